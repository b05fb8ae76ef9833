// Standin simulates the AWS services that are involved in signing in to an EKS cluster, on the loopback
// interface: STS, EC2 and IAM Identity Center over TLS behind an HTTP proxy, instance metadata, and the
// credential endpoints of containers. README.md describes its control API.
//
//	standin FOLDER
//
// It writes FOLDER/ca.crt, then FOLDER/endpoints.json when it is ready, and logs every request to
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

// endpoints is the content of FOLDER/endpoints.json.
type endpoints struct {
	// Proxy is the value for HTTPS_PROXY. Through it, clients reach the AWS services under their real names.
	Proxy string `json:"proxy"`
	// AWS is the value for AWS_ENDPOINT_URL_STS: the same services without TLS, in any region.
	AWS string `json:"aws"`
	// Control is the URL of the control API. See README.md.
	Control string `json:"control"`
	// CA is the value for AWS_CA_BUNDLE: a file with the CA certificate.
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

	state := newState()
	faults := &faults{}
	services := &services{state: state, journal: journal, faults: faults}
	machines := &machines{state: state, journal: journal, faults: faults}
	control := &control{state: state, journal: journal, faults: faults, machines: machines}
	proxy := newProxy(authority, services, journal)

	var listening endpoints
	listening.CA = ca
	for _, server := range []struct {
		url     *string
		handler http.Handler
	}{{&listening.Proxy, proxy}, {&listening.AWS, services}, {&listening.Control, control}} {
		if *server.url, err = listen("127.0.0.1:0", server.handler); err != nil {
			return err
		}
	}
	if err := writeAtomically(filepath.Join(folder, "endpoints.json"), listening); err != nil {
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

// writeAtomically writes a file that readers never see incomplete.
func writeAtomically(path string, value any) error {
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
