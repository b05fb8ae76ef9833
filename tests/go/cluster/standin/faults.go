package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// fault makes matching requests fail. An empty field matches every request.
type fault struct {
	// Service is sts, ec2, sso, oidc, imds or container.
	Service string `json:"service"`
	// ID is the id of the instance or container.
	ID     string `json:"id"`
	Method string `json:"method"`
	// Path is a prefix of the request's path.
	Path        string `json:"path"`
	Action      string `json:"action"`
	AccessKeyID string `json:"accessKeyId"`

	// Times is the number of requests to affect; 0 means all.
	Times int `json:"times"`

	// DelayMillis is the delay before the other effects, or before the normal response.
	DelayMillis int `json:"delayMillis"`
	// Hang reads the request and never responds.
	Hang bool `json:"hang"`
	// Drop closes the connection without a response.
	Drop bool `json:"drop"`
	// Status is the status of the response, sent with Code and Message in the service's format, or with Body unchanged.
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Body    string `json:"body"`
	// Headers are added to the response.
	Headers map[string]string `json:"headers"`
}

type faults struct {
	mutex sync.Mutex
	all   []*fault
}

func (f *faults) add(more []*fault) error {
	for _, one := range more {
		if one.DelayMillis == 0 && !one.Hang && !one.Drop && one.Status == 0 {
			return fmt.Errorf("a fault needs one of: delayMillis, hang, drop, status")
		}
	}
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.all = append(f.all, more...)
	return nil
}

func (f *faults) clear() {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	f.all = nil
}

// next returns the first fault that matches the request, and counts the use.
func (f *faults) next(e *entry) *fault {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for at, one := range f.all {
		if !one.matches(e) {
			continue
		}
		taken := *one
		if one.Times == 1 {
			f.all = append(f.all[:at:at], f.all[at+1:]...)
		} else if one.Times > 1 {
			one.Times--
		}
		return &taken
	}
	return nil
}

func (f *fault) matches(e *entry) bool {
	same := func(want, have string) bool { return want == "" || want == have }
	return same(f.Service, e.Service) && same(f.ID, e.ID) && same(f.Method, e.Method) &&
		same(f.Action, e.Action) && same(f.AccessKeyID, e.AccessKeyID) &&
		strings.HasPrefix(e.Path, f.Path)
}

// inject applies the first matching fault to the request, if any. It returns true if the request needs
// no further response. refuse sends an error in the service's format.
func (f *faults) inject(w http.ResponseWriter, r *http.Request, e *entry, refuse func(*refusal)) bool {
	fault := f.next(e)
	if fault == nil {
		return false
	}
	if fault.DelayMillis > 0 {
		select {
		case <-time.After(time.Duration(fault.DelayMillis) * time.Millisecond):
		case <-r.Context().Done():
			return true
		}
	}
	switch {
	case fault.Hang:
		<-r.Context().Done()
	case fault.Drop:
		// https://pkg.go.dev/net/http#ErrAbortHandler: the server closes the connection and logs nothing.
		panic(http.ErrAbortHandler)
	case fault.Status == 0:
		return false
	case fault.Body != "" || fault.Code == "":
		for name, value := range fault.Headers {
			w.Header().Set(name, value)
		}
		e.Status = fault.Status
		w.WriteHeader(fault.Status)
		_, _ = w.Write([]byte(fault.Body))
	default:
		for name, value := range fault.Headers {
			w.Header().Set(name, value)
		}
		refuse(&refusal{fault.Status, fault.Code, fault.Message})
	}
	return true
}
