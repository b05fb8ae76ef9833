package main

import (
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"
)

// fault makes some requests go wrong. Fields that are left out match everything.
type fault struct {
	// Service is sts, ec2, imds or container.
	Service string `json:"service"`
	// ID of the instance or container.
	ID     string `json:"id"`
	Method string `json:"method"`
	// Path is what the request's path begins with.
	Path        string `json:"path"`
	Action      string `json:"action"`
	AccessKeyID string `json:"accessKeyId"`

	// Times is how many requests it befalls; 0 for all.
	Times int `json:"times"`

	// DelayMillis passes before what else it does, or before the usual answer.
	DelayMillis int `json:"delayMillis"`
	// Hang takes the request and never answers.
	Hang bool `json:"hang"`
	// Drop closes the connection without an answer.
	Drop bool `json:"drop"`
	// Status is answered, with Code and Message in the service's form, or with Body as it is.
	Status  int    `json:"status"`
	Code    string `json:"code"`
	Message string `json:"message"`
	Body    string `json:"body"`
	// Headers go with Status.
	Headers map[string]string `json:"headers"`
}

type faults struct {
	mutex sync.Mutex
	all   []*fault
}

func (f *faults) add(more []*fault) error {
	for _, one := range more {
		if one.DelayMillis == 0 && !one.Hang && !one.Drop && one.Status == 0 {
			return fmt.Errorf("a fault does one of: delayMillis, hang, drop, status")
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

// next takes the first fault that befalls the request.
func (f *faults) next(e *entry) *fault {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for at, one := range f.all {
		if !one.befalls(e) {
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

func (f *fault) befalls(e *entry) bool {
	same := func(want, have string) bool { return want == "" || want == have }
	return same(f.Service, e.Service) && same(f.ID, e.ID) && same(f.Method, e.Method) &&
		same(f.Action, e.Action) && same(f.AccessKeyID, e.AccessKeyID) &&
		strings.HasPrefix(e.Path, f.Path)
}

// befall lets a fault have its way with the request, if there is one for it, and returns true when
// that leaves nothing to answer. refuse answers in the service's form.
func (f *faults) befall(w http.ResponseWriter, r *http.Request, e *entry, refuse func(*refusal)) bool {
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
		// https://pkg.go.dev/net/http#ErrAbortHandler: the server closes the connection, and logs nothing.
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
