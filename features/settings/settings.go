// Package settings reads configuration files strictly: case is kept, unknown and duplicate keys are refused with the nearest known
// one, and every problem of a file is reported in one answer, each with line and column.
//
// A file is parsed to a tree of Nodes, edited by --set assignments, and decoded into structs whose fields carry `yaml:"name"` tags.
// Experiments, cohorts and radiomics presets all go through here.
package settings

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"regexp"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Node is a value of a configuration file and where it stands.
type Node struct {
	File string
	Path string // models.0.trees; empty for the root
	yaml *yaml.Node
}

// MaxBytes bounds a configuration file.
const MaxBytes = 4 << 20

// ReadFile parses the file at path. See Parse.
func ReadFile(path string) (*Node, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxBytes+1))
	if err != nil {
		return nil, err
	}
	return Parse(path, b)
}

// Parse parses YAML (JSON is a subset). ${NAME} in a value is replaced by the environment variable, and a variable that is not set
// is a problem; aliases, several documents and files over MaxBytes are refused. The file name is used in messages only.
func Parse(file string, b []byte) (*Node, error) { return parse(file, b, true) }

// ParseStored parses what a program wrote, such as a part of a bundle. It is Parse but for ${NAME}, which stays as it stands: a bundle
// may come from anywhere, and does not get to see the environment.
func ParseStored(file string, b []byte) (*Node, error) { return parse(file, b, false) }

func parse(file string, b []byte, expand bool) (*Node, error) {
	if len(b) > MaxBytes {
		return nil, fmt.Errorf("%s: more than %d bytes; a configuration is smaller", file, MaxBytes)
	}
	d := yaml.NewDecoder(bytes.NewReader(b))
	var doc yaml.Node
	if err := d.Decode(&doc); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("%s: the file is empty", file)
		}
		return nil, fmt.Errorf("%s: %s", file, strings.TrimPrefix(err.Error(), "yaml: "))
	}
	var second yaml.Node
	if err := d.Decode(&second); !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("%s: a second YAML document follows; one is expected", file)
	}
	n := &Node{File: file, yaml: doc.Content[0]}
	var p Problems
	n.check(&p, expand)
	if err := p.Err(); err != nil {
		return nil, err
	}
	return n, nil
}

var variable = regexp.MustCompile(`\$\{([A-Za-z_][A-Za-z0-9_]*)\}`)

// check refuses duplicate keys and aliases and, where it is told to, expands variables, all the way down.
func (n *Node) check(p *Problems, expand bool) {
	switch n.yaml.Kind {
	case yaml.AliasNode:
		p.Add(n, "aliases (*name) are not supported; write the value out")
	case yaml.ScalarNode:
		if !expand {
			return
		}
		n.yaml.Value = variable.ReplaceAllStringFunc(n.yaml.Value, func(m string) string {
			name := m[2 : len(m)-1]
			v, ok := os.LookupEnv(name)
			if !ok {
				p.Add(n, "environment variable %s is not set", name)
			}
			if n.yaml.Style&(yaml.DoubleQuotedStyle|yaml.SingleQuotedStyle) == 0 && ok {
				n.yaml.Tag = "" // what the variable holds decides its type
			}
			return v
		})
	case yaml.SequenceNode:
		for _, e := range n.List() {
			e.check(p, expand)
		}
	case yaml.MappingNode:
		first := map[string]*yaml.Node{}
		for i := 0; i+1 < len(n.yaml.Content); i += 2 {
			key := n.yaml.Content[i]
			at := &Node{File: n.File, Path: n.Path, yaml: key}
			if key.Kind != yaml.ScalarNode {
				p.Add(at, "a key must be a text")
				continue
			}
			if prev, ok := first[key.Value]; ok {
				p.Add(at, "%q is there twice; first on line %d", key.Value, prev.Line)
				continue
			}
			first[key.Value] = key
			n.child(key.Value, n.yaml.Content[i+1]).check(p, expand)
		}
	}
}

func (n *Node) child(name string, y *yaml.Node) *Node {
	path := name
	if n.Path != "" {
		path = n.Path + "." + name
	}
	return &Node{File: n.File, Path: path, yaml: y}
}

// Get returns the value under key of a mapping, or nil.
func (n *Node) Get(key string) *Node {
	if n == nil || n.yaml.Kind != yaml.MappingNode {
		return nil
	}
	for i := 0; i+1 < len(n.yaml.Content); i += 2 {
		if n.yaml.Content[i].Value == key {
			return n.child(key, n.yaml.Content[i+1])
		}
	}
	return nil
}

// Keys returns the keys of a mapping in file order.
func (n *Node) Keys() []string {
	if n.yaml.Kind != yaml.MappingNode {
		return nil
	}
	var keys []string
	for i := 0; i+1 < len(n.yaml.Content); i += 2 {
		keys = append(keys, n.yaml.Content[i].Value)
	}
	return keys
}

// key returns the node of the key itself, for messages.
func (n *Node) key(name string) *Node {
	for i := 0; i+1 < len(n.yaml.Content); i += 2 {
		if n.yaml.Content[i].Value == name {
			return n.child(name, n.yaml.Content[i])
		}
	}
	return n
}

// List returns the elements of a sequence.
func (n *Node) List() []*Node {
	if n.yaml.Kind != yaml.SequenceNode {
		return nil
	}
	out := make([]*Node, len(n.yaml.Content))
	for i, e := range n.yaml.Content {
		out[i] = n.child(strconv.Itoa(i), e)
	}
	return out
}

// IsMap, IsList and IsScalar tell what the node is. A null is a scalar.
func (n *Node) IsMap() bool    { return n.yaml.Kind == yaml.MappingNode }
func (n *Node) IsList() bool   { return n.yaml.Kind == yaml.SequenceNode }
func (n *Node) IsScalar() bool { return n.yaml.Kind == yaml.ScalarNode }

// Any returns the value as bool, int, float64, string, nil, []any or map[string]any.
func (n *Node) Any() any {
	var v any
	switch {
	case n.IsMap():
		m := map[string]any{}
		for _, k := range n.Keys() {
			m[k] = n.Get(k).Any()
		}
		return m
	case n.IsList():
		l := make([]any, 0, len(n.yaml.Content))
		for _, e := range n.List() {
			l = append(l, e.Any())
		}
		return l
	}
	if n.yaml.ShortTag() == "!!timestamp" { // a date is a text here
		return n.yaml.Value
	}
	if err := n.yaml.Decode(&v); err != nil {
		return n.yaml.Value
	}
	return v
}

// Position returns file:line:column.
func (n *Node) Position() string { return fmt.Sprintf("%s:%d:%d", n.File, n.yaml.Line, n.yaml.Column) }

// Set edits the tree by an assignment such as "models.0.trees=100": keys and list indices joined by dots, then a value in YAML. A
// key of a mapping may be new; a list index must exist.
func (n *Node) Set(assignment string) error {
	path, value, ok := strings.Cut(assignment, "=")
	if !ok || path == "" {
		return fmt.Errorf("--set %s: want key=value, such as models.0.trees=100", assignment)
	}
	v, err := Parse("--set "+path, []byte(value))
	if err != nil {
		if strings.TrimSpace(value) != "" {
			return err
		}
		v = &Node{yaml: &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str"}}
	}
	unplace(v.yaml)
	at := n
	parts := strings.Split(path, ".")
	for i, part := range parts {
		last := i == len(parts)-1
		switch {
		case at.IsList():
			k, err := strconv.Atoi(part)
			if err != nil || k < 0 || k >= len(at.yaml.Content) {
				return fmt.Errorf("--set %s: %s has %d elements, and %q is not the number of one", assignment, at.Path, len(at.yaml.Content), part)
			}
			if last {
				at.yaml.Content[k] = v.yaml
				return nil
			}
			at = at.List()[k]
		case at.IsMap():
			next := at.Get(part)
			if last {
				if next != nil {
					*next.yaml = *v.yaml
					return nil
				}
				at.yaml.Content = append(at.yaml.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: part}, v.yaml)
				return nil
			}
			if next == nil {
				y := &yaml.Node{Kind: yaml.MappingNode, Tag: "!!map"}
				at.yaml.Content = append(at.yaml.Content, &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: part}, y)
				next = at.child(part, y)
			}
			at = next
		default:
			return fmt.Errorf("--set %s: %s is a single value and has no %q", assignment, at.Path, part)
		}
	}
	return nil
}

// unplace marks what came from an assignment: it stands on no line of the file.
func unplace(y *yaml.Node) {
	y.Line, y.Column = 0, 0
	for _, c := range y.Content {
		unplace(c)
	}
}

// Bytes returns the tree as YAML, as it stands after Set.
func (n *Node) Bytes() ([]byte, error) { return yaml.Marshal(n.yaml) }

// MarshalJSON writes the value, the keys of mappings sorted.
func (n *Node) MarshalJSON() ([]byte, error) { return json.Marshal(n.Any()) }
