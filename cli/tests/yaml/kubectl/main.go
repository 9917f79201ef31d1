// Answers how kubectl reads YAML: one document as a JSON string per line, one answer as a JSON object per line.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"sigs.k8s.io/yaml"
)

func main() {
	documents := json.NewDecoder(bufio.NewReader(os.Stdin))
	for {
		var document string
		if documents.Decode(&document) != nil {
			return
		}
		answer := map[string]any{}
		if read, err := yaml.YAMLToJSON([]byte(document)); err != nil {
			answer["error"] = err.Error()
		} else {
			answer["json"] = json.RawMessage(read)
		}
		line, err := json.Marshal(answer)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(line))
	}
}
