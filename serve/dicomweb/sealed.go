package dicomweb

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/voxgene/voxgene/features/image/dicom"
	"github.com/voxgene/voxgene/serve/results"
	"github.com/voxgene/voxgene/serve/seal"
)

// A file of the spool is encrypted from its first byte on: under a key of its own, which is in memory alone while the file arrives. When the file is known
// to be an instance of a study, its key is written in front, encrypted under the study's key, which the results hold under theirs. So what waits can be read after a
// restart, what was cut off by one cannot, and what belongs to a patient who is erased cannot either.
//
// The file begins with sealedMagic and the encrypted key, zeros while it arrives.

// sealedMagic is how a file of the spool begins.
const sealedMagic = "voxgene spool 1\n"

// sealedHead is the length of what stands before the content: the magic, and a key with what seal.Sealer adds to it.
const sealedHead = len(sealedMagic) + 12 + seal.KeySize + 16

// errSealed says that a file of the spool cannot be read: its key was destroyed, or it is damaged.
var errSealed = errors.New("its key is not there any more")

// sealTo encrypts content into a new file under a key, with the space for the encrypted key in front.
func sealTo(f *os.File, key []byte, content io.Reader) error {
	if _, err := f.Write(make([]byte, sealedHead)); err != nil {
		return err
	}
	w, err := seal.NewWriter(f, key)
	if err != nil {
		return err
	}
	if _, err := io.Copy(w, content); err != nil {
		return err
	}
	return w.Close()
}

// keep writes the key of a file in front of it, encrypted, and brings the file to the disk.
func keep(f *os.File, key []byte, under seal.Sealer) error {
	if _, err := f.WriteAt(append([]byte(sealedMagic), under.Seal(key)...), 0); err != nil {
		return err
	}
	return f.Sync()
}

// sealedFiles are the files of a folder, decrypted as they are read. key is asked for the key of a file by what stands in front of it.
type sealedFiles struct {
	dir string
	key func(head []byte) ([]byte, error)
}

// under are the files of a folder whose keys are encrypted under a study's.
func under(dir string, study seal.Sealer) sealedFiles {
	return sealedFiles{dir, func(head []byte) ([]byte, error) {
		if string(head[:len(sealedMagic)]) != sealedMagic {
			return nil, errSealed
		}
		key, err := study.Open(head[len(sealedMagic):])
		if err != nil {
			return nil, errSealed
		}
		return key, nil
	}}
}

// Open opens a file of the folder by its name.
func (s sealedFiles) Open(name string) (fs.File, error) {
	f, err := os.Open(filepath.Join(s.dir, filepath.Base(name)))
	if err != nil {
		return nil, err
	}
	out, err := s.open(f)
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return out, nil
}

func (s sealedFiles) open(f *os.File) (*sealedFile, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	head := make([]byte, sealedHead)
	if _, err := io.ReadFull(f, head); err != nil {
		return nil, errSealed
	}
	key, err := s.key(head)
	if err != nil {
		return nil, err
	}
	r, err := seal.NewReader(f, key)
	return &sealedFile{f, r, sealedInfo{info}}, err
}

// sealedFile is an open file of the spool.
type sealedFile struct {
	file *os.File
	*seal.Reader
	info sealedInfo
}

func (f *sealedFile) Stat() (fs.FileInfo, error) { return f.info, nil }
func (f *sealedFile) Close() error               { return f.file.Close() }

// sealedInfo is a file with the size of what it holds.
type sealedInfo struct{ fs.FileInfo }

func (i sealedInfo) Size() int64 { return seal.PlainSize(i.FileInfo.Size() - int64(sealedHead)) }

// sealPlain encrypts what an earlier version of the program left in the spool as it came, in the folder of one study.
func sealPlain(dir string, store *results.Store) error {
	files, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range files {
		path := filepath.Join(dir, entry.Name())
		plain, err := os.Open(path)
		if err != nil {
			return err
		}
		magic := make([]byte, len(sealedMagic))
		n, _ := io.ReadFull(plain, magic)
		if string(magic[:n]) == sealedMagic {
			if err := plain.Close(); err != nil {
				return err
			}
			continue
		}
		_, err = plain.Seek(0, io.SeekStart)
		if err == nil {
			err = sealAnew(dir, entry.Name(), plain, store)
		}
		if err := errors.Join(err, plain.Close()); err != nil {
			return fmt.Errorf("%s: %w", entry.Name(), err)
		}
	}
	return nil
}

// sealAnew encrypts a file of a study's folder that lies there as it came. What is no DICOM was never put there by us, and is removed.
func sealAnew(dir, name string, plain *os.File, store *results.Store) error {
	o, err := dicom.ReadObject(plain.Name())
	if err != nil {
		return os.Remove(plain.Name())
	}
	info, err := plain.Stat()
	if err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(dir), arriving)
	if err != nil {
		return err
	}
	defer os.Remove(f.Name()) // which is gone where it was kept
	key := seal.Random(seal.KeySize)
	err = sealTo(f, key, plain)
	if err == nil {
		var study seal.Sealer
		if study, err = store.SpoolKey(filepath.Base(dir), o.Text(patientID), o.Text(issuerOfPatientID)); err == nil {
			err = keep(f, key, study)
		}
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return err
	}
	if err := os.Chtimes(f.Name(), info.ModTime(), info.ModTime()); err != nil { // how long it has waited
		return err
	}
	return os.Rename(f.Name(), filepath.Join(dir, name))
}
