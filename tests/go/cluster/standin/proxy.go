package main

import (
	"crypto/tls"
	"net"
	"net/http"
)

// proxy handles CONNECT and serves every AWS host itself. It rejects all other hosts.
type proxy struct {
	authority *authority
	journal   *journal
	// tunnels passes client connections to the TLS server.
	tunnels chan net.Conn
}

func newProxy(authority *authority, services http.Handler, journal *journal) *proxy {
	p := &proxy{authority: authority, journal: journal, tunnels: make(chan net.Conn)}
	config := &tls.Config{
		GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
			return authority.leaf(hello.ServerName)
		},
	}
	go func() { quit(http.Serve(tls.NewListener(tunnelListener{p.tunnels}, config), services)) }()
	return p
}

func (p *proxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodConnect {
		p.refuse(w, r)
		return
	}
	host, port, err := net.SplitHostPort(r.Host)
	if _, known := endpointOf(host); err != nil || port != "443" || !known {
		p.refuse(w, r)
		return
	}
	connection, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		quit(err)
	}
	if _, err := connection.Write([]byte("HTTP/1.1 200 Connection established\r\n\r\n")); err != nil {
		_ = connection.Close()
		return
	}
	p.tunnels <- tunnel{connection, buffered.Reader}
}

// refuse rejects and records a request that must not go through a proxy, such as a plain HTTP request
// for instance metadata.
func (p *proxy) refuse(w http.ResponseWriter, r *http.Request) {
	p.journal.add(entry{Service: "proxy", Host: r.Host, Method: r.Method, Path: r.URL.Path, Status: http.StatusForbidden})
	http.Error(w, "the stand-in does not serve "+r.Host, http.StatusForbidden)
}

// tunnel is a connection from which some bytes may already have been read into a buffer.
type tunnel struct {
	net.Conn
	unread interface{ Read([]byte) (int, error) }
}

func (t tunnel) Read(into []byte) (int, error) { return t.unread.Read(into) }

// tunnelListener accepts the connections from the channel tunnels.
type tunnelListener struct{ tunnels <-chan net.Conn }

func (l tunnelListener) Accept() (net.Conn, error) { return <-l.tunnels, nil }
func (l tunnelListener) Close() error              { return nil }
func (l tunnelListener) Addr() net.Addr            { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
