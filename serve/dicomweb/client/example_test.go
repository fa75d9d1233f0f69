package client_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"github.com/voxgene/voxgene/serve/dicomweb/client"
)

func ExampleClient_Series() {
	pacs := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `[{"0020000E":{"vr":"UI","Value":["1.2.3"]},"00080060":{"vr":"CS","Value":["MR"]}}]`)
	}))
	defer pacs.Close()
	c, err := client.New(client.Config{URL: pacs.URL + "/dicom-web"})
	if err != nil {
		fmt.Println(err)
		return
	}
	series, err := c.Series(context.Background(), "1.2")
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(series[0].Text(client.SeriesUID), series[0].Text(client.Modality))
	// Output: 1.2.3 MR
}
