package table

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/voxgene/voxgene/features/work"
)

// Write writes a table to a file, as its extension says: .csv, .tsv or .parquet. The file appears whole or not at all, and is
// readable by its owner alone, because it holds patients.
func Write(path string, t *Table) error {
	var b bytes.Buffer
	var err error
	switch strings.ToLower(filepath.Ext(path)) {
	case ".csv":
		err = WriteText(&b, t, ',')
	case ".tsv":
		err = WriteText(&b, t, '\t')
	case ".parquet":
		err = WriteParquet(&b, t)
	default:
		return fmt.Errorf("%s: a table is written as .csv, .tsv or .parquet", path)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	return work.WriteFile(path, b.Bytes(), 0o600)
}

// WriteText writes a table as delimited text: the key, then the columns. A number has the fewest digits that read back as the
// same; a missing value is a blank cell.
func WriteText(w io.Writer, t *Table, separator byte) error {
	b := bufio.NewWriterSize(w, 1<<16)
	keys := usedKeys(t)
	for k, n := range keys {
		if k > 0 {
			b.WriteByte(separator)
		}
		b.WriteString(keyFields[n])
	}
	for _, c := range t.Columns {
		b.WriteByte(separator)
		writeCell(b, c.Name, separator)
	}
	b.WriteByte('\n')
	var scratch []byte
	for i := range t.Keys {
		for k, n := range keys {
			if k > 0 {
				b.WriteByte(separator)
			}
			writeCell(b, *t.Keys[i].part(n), separator)
		}
		for j, c := range t.Columns {
			b.WriteByte(separator)
			switch v := t.Values[j][i]; {
			case Missing(v):
			case c.Kind == Numeric:
				scratch = strconv.AppendFloat(scratch[:0], v, 'g', -1, 64)
				b.Write(scratch)
			default:
				text, err := c.level(v)
				if err != nil {
					return err
				}
				writeCell(b, text, separator)
			}
		}
		b.WriteByte('\n')
	}
	return b.Flush()
}

// writeCell quotes a text that would read back as something else.
func writeCell(b *bufio.Writer, s string, separator byte) {
	if !strings.ContainsAny(s, "\"\r\n") && strings.IndexByte(s, separator) < 0 && (s == "" || s[0] != ' ') {
		b.WriteString(s)
		return
	}
	b.WriteByte('"')
	b.WriteString(strings.ReplaceAll(s, `"`, `""`))
	b.WriteByte('"')
}
