package table_test

import (
	"fmt"
	"os"

	"github.com/voxgene/voxgene/features/table"
)

func ExampleReadText() {
	t, err := table.ReadText("patients.csv", []byte("patient,age,sex,grade\np1,61,F,G3\np2,NA,M,G2\n"), table.Options{
		Source: "clinical", Group: "clinical",
		Kinds: map[string]table.Declaration{"grade": {Kind: table.Ordinal, Levels: []string{"G2", "G3", "G4"}}, "age": {Unit: "a"}},
	})
	if err != nil {
		fmt.Println(err)
		return
	}
	for j, c := range t.Columns {
		fmt.Println(c.Name, c.Kind, c.Levels, t.Values[j])
	}
	// Output:
	// clinical.age numeric [] [61 NaN]
	// clinical.sex categorical [F M] [0 1]
	// clinical.grade ordinal [G2 G3 G4] [1 0]
}

// All problems of a file come at once, with line and column.
func ExampleReadText_problems() {
	_, err := table.ReadText("f.csv", []byte("patient,volume,age\np1,1.5,50\np2,1.6,60\np3,many,Inf\n"), table.Options{})
	fmt.Println(err)
	// Output:
	// f.csv, line 4, column "volume": "many" is not a number, in a column of numbers; repair it, list it under missing, or declare the column categorical
	// f.csv, line 4, column "age": "Inf" is infinite; repair it, or list it under missing
}

func ExampleJoin() {
	a := table.New([]table.Key{{Patient: "p1"}, {Patient: "p2"}})
	b := table.New([]table.Key{{Patient: "p2"}})
	if err := a.Add(table.Column{Name: "clinical.age"}, []float64{61, 45}); err != nil {
		fmt.Println(err)
	}
	if err := b.Add(table.Column{Name: "t1.volume"}, []float64{12.5}); err != nil {
		fmt.Println(err)
	}
	t, err := table.Join([]table.Key{{Patient: "p1"}, {Patient: "p2"}}, a, b)
	if err != nil {
		fmt.Println(err)
		return
	}
	if err := table.WriteText(os.Stdout, t, ','); err != nil {
		fmt.Println(err)
	}
	// Output:
	// patient,clinical.age,t1.volume
	// p1,61,
	// p2,45,12.5
}
