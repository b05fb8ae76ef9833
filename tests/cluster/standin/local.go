package main

import (
	"errors"
	"net"
	"net/http"
)

// local is what answers on a machine itself: its instance metadata, and the credential endpoints of
// its containers. Each has listeners of its own, so that tests can tell them apart.
type local struct {
	world   *world
	journal *journal
	faults  *faults
}

// listeners are those of one machine.
type listeners []net.Listener

func (l listeners) close() {
	for _, listener := range l {
		_ = listener.Close()
	}
}

// serve listens on the loopback addresses, or on the given one alone, and returns the URLs. There may
// be no IPv6 here; its URL is empty then.
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

// plainRefusal is how metadata and agents say no: the message is all there is.
func plainRefusal(w http.ResponseWriter, e *entry) func(*refusal) {
	return func(refused *refusal) {
		e.Status, e.Code = refused.status, refused.code
		http.Error(w, refused.message, refused.status)
	}
}
