// Standin plays the parts of AWS that a sign-in to an EKS cluster touches, on the loopback interface:
// an HTTP proxy behind which STS, EC2 and SSO answer over TLS, instance metadata, and the credential
// endpoints of containers. README.md says how to tell it what there is.
//
//	standin FOLDER
//
// It writes FOLDER/ca.crt and, once it listens, FOLDER/endpoints.json; what it is asked goes to
// FOLDER/requests.jsonl. It runs until it is killed.
package main

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
)

// endpoints is what FOLDER/endpoints.json holds.
type endpoints struct {
	// Proxy is for HTTPS_PROXY: the way to STS and EC2 under their real names.
	Proxy string `json:"proxy"`
	// AWS is for AWS_ENDPOINT_URL_STS: the same services without TLS, any region.
	AWS string `json:"aws"`
	// Control takes what README.md lists.
	Control string `json:"control"`
	// CA is the file that AWS_CA_BUNDLE should name.
	CA string `json:"ca"`
}

func main() {
	if len(os.Args) != 2 {
		quit(fmt.Errorf("usage: standin FOLDER"))
	}
	if err := run(os.Args[1]); err != nil {
		quit(err)
	}
}

func quit(err error) {
	fmt.Fprintf(os.Stderr, "standin: %v\n", err)
	os.Exit(1)
}

func run(folder string) error {
	journal, err := newJournal(filepath.Join(folder, "requests.jsonl"))
	if err != nil {
		return err
	}
	authority, err := newAuthority()
	if err != nil {
		return err
	}
	ca := filepath.Join(folder, "ca.crt")
	if err := os.WriteFile(ca, authority.pem, 0o644); err != nil {
		return err
	}

	world := newWorld()
	faults := &faults{}
	services := &services{world: world, journal: journal, faults: faults}
	local := &local{world: world, journal: journal, faults: faults}
	control := &control{world: world, journal: journal, faults: faults, local: local}
	proxy := newProxy(authority, services, journal)

	var reached endpoints
	reached.CA = ca
	for _, server := range []struct {
		url     *string
		handler http.Handler
	}{{&reached.Proxy, proxy}, {&reached.AWS, services}, {&reached.Control, control}} {
		if *server.url, err = listen("127.0.0.1:0", server.handler); err != nil {
			return err
		}
	}
	if err := writeWhole(filepath.Join(folder, "endpoints.json"), reached); err != nil {
		return err
	}
	select {}
}

// listen serves handler on address until the process ends, and returns its URL.
func listen(address string, handler http.Handler) (string, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return "", err
	}
	go func() { quit(http.Serve(listener, handler)) }()
	return "http://" + listener.Addr().String(), nil
}

// writeWhole never shows a reader half of the file.
func writeWhole(path string, value any) error {
	content, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	partial := path + ".partial"
	if err := os.WriteFile(partial, append(content, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(partial, path)
}
