package deidentify

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"math/big"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/voxgene/voxgene/features/work"
)

// Key makes pseudonyms, shifts and UIDs: the same from the same key, so that what comes later of a patient joins what came before. Who has
// it can tell whether a number is a patient's.
type Key []byte

// ReadKey reads a key file of 64 hexadecimal digits, or makes it, readable by its owner alone.
func ReadKey(path string) (Key, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		k := make(Key, 32)
		rand.Read(k) // never fails
		return k, work.WriteFile(path, []byte(hex.EncodeToString(k)+"\n"), 0o600)
	}
	if err != nil {
		return nil, err
	}
	k, err := hex.DecodeString(strings.TrimSpace(string(text)))
	if err != nil || len(k) != 32 {
		return nil, fmt.Errorf("%s does not hold 64 hexadecimal digits", path)
	}
	return k, nil
}

func (k Key) hash(purpose, text string) []byte {
	m := hmac.New(sha256.New, k)
	m.Write([]byte(purpose + "\x00" + text))
	return m.Sum(nil)
}

// Pseudonym is the new name and number of a patient, known by PatientID and its issuer.
func (k Key) Pseudonym(id, issuer string) string {
	return "VX" + strings.ToUpper(hex.EncodeToString(k.hash("patient", id+"\x00"+issuer)[:6]))
}

// Days is by how many days a patient's dates go back: from one to eleven years, the same for every date.
func (k Key) Days(id, issuer string) int {
	return 365 + int(binary.BigEndian.Uint32(k.hash("days", id+"\x00"+issuer))%3650)
}

// UID is the new UID for one that is not of the standard itself.
func (k Key) UID(uid string) string {
	if uid == "" || strings.HasPrefix(uid, "1.2.840.10008.") && uidForm.MatchString(uid) {
		return uid
	}
	return "2.25." + new(big.Int).SetBytes(k.hash("uid", uid)[:16]).String()
}

// dated is a DA or DT value: a date, and of a whole one the time and the offset from UTC. pointed is a date of ACR-NEMA.
var (
	dated   = regexp.MustCompile(`^([0-9]{8}|[0-9]{6}|[0-9]{4})((?:[0-9]{2}){0,3}(?:\.[0-9]{1,6})?(?:[+-][0-9]{4})?)$`)
	pointed = regexp.MustCompile(`^([0-9]{4})\.([0-9]{2})\.([0-9]{2})$`)
)

// shift moves a DA or DT value by days; what is no date is empty. A date of a year, or of a year and month, moves as its middle does and stays as
// rough as it was. Dates with points are of before DICOM, and stay so.
func shift(value string, days int) string {
	if m := pointed.FindStringSubmatch(value); m != nil {
		if moved := shift(m[1]+m[2]+m[3], days); moved != "" {
			return moved[:4] + "." + moved[4:6] + "." + moved[6:]
		}
		return ""
	}
	m := dated.FindStringSubmatch(value)
	if m == nil {
		return ""
	}
	date := m[1]
	t, err := time.Parse("20060102", date+map[int]string{4: "0701", 6: "15"}[len(date)])
	if err != nil {
		return ""
	}
	return t.AddDate(0, 0, -days).Format("20060102")[:len(date)] + m[2]
}
