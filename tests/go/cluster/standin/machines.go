package main

import (
	"errors"
	"net"
	"net/http"
)

// machines serves what is reachable only on a machine itself: instance metadata, and the credential
// endpoints of containers. Each has its own listeners, so that tests can tell them apart.
type machines struct {
	state   *state
	journal *journal
	faults  *faults
}

// listeners are the listeners of one machine.
type listeners []net.Listener

func (l listeners) close() {
	for _, listener := range l {
		_ = listener.Close()
	}
}

// serve listens on the IPv4 and IPv6 loopback addresses, or only on address if it is not empty, and
// returns the URLs. The IPv6 URL is empty if the host has no IPv6.
func serve(address string, handler http.Handler) (opened listeners, ipv4, ipv6 string, err error) {
	first := "127.0.0.1:0"
	if address != "" {
		first = address
	}
	listener, err := net.Listen("tcp", first)
	if err != nil {
		return nil, "", "", err
	}
	opened = append(opened, listener)
	ipv4 = "http://" + listener.Addr().String()
	if address == "" {
		if listener, err := net.Listen("tcp6", "[::1]:0"); err == nil {
			opened = append(opened, listener)
			ipv6 = "http://" + listener.Addr().String()
		}
	}
	for _, listener := range opened {
		go func() {
			if err := http.Serve(listener, handler); !errors.Is(err, net.ErrClosed) {
				quit(err)
			}
		}()
	}
	return opened, ipv4, ipv6, nil
}

// plainRefusal returns a function that sends an error as plain text, as metadata services and agents do.
func plainRefusal(w http.ResponseWriter, e *entry) func(*refusal) {
	return func(refused *refusal) {
		e.Status, e.Code = refused.status, refused.code
		http.Error(w, refused.message, refused.status)
	}
}
