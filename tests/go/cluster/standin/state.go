package main

import (
	"fmt"
	"sync"
)

// user is an IAM user, or the root of an account.
type user struct {
	ARN             string      `json:"arn"`
	ID              string      `json:"id"`
	AccessKeyID     string      `json:"accessKeyId"`
	SecretAccessKey string      `json:"secretAccessKey"`
	Policy          []statement `json:"policy,omitempty"`
	Boundary        []statement `json:"boundary,omitempty"`
	// MFASerial and MFACode describe the user's MFA device, if any.
	MFASerial string `json:"mfaSerial,omitempty"`
	MFACode   string `json:"mfaCode,omitempty"`
}

type role struct {
	ARN      string      `json:"arn"`
	ID       string      `json:"id"`
	Trust    []statement `json:"trust"`
	Policy   []statement `json:"policy,omitempty"`
	Boundary []statement `json:"boundary,omitempty"`
	// MaxSessionSeconds is the maximum of DurationSeconds.
	MaxSessionSeconds int `json:"maxSessionSeconds"`
	// SessionTokenBytes is the length of its session tokens.
	SessionTokenBytes int `json:"sessionTokenBytes"`
}

// state holds the declared identities, their credentials, and the machines.
type state struct {
	mutex      sync.Mutex
	users      map[string]*user
	roles      map[string]*role
	sessions   map[string]*session
	issuers    map[string]*issuer
	instances  map[string]*instance
	containers map[string]*container
	sso        []*ssoSession
	// secrets lists every secret ever issued.
	secrets []string
}

func newState() *state {
	return &state{
		users:      map[string]*user{},
		roles:      map[string]*role{},
		sessions:   map[string]*session{},
		issuers:    map[string]*issuer{},
		instances:  map[string]*instance{},
		containers: map[string]*container{},
	}
}

const (
	defaultMaxSession   = 3600
	defaultTokenBytes   = 800
	accessKeyCharacters = 16
)

// putUser adds or replaces a user, and generates the fields that are missing.
func (w *state) putUser(u *user) error {
	parsed, err := parseARN(u.ARN)
	if err != nil || parsed.service != "iam" || (parsed.kind() != "user" && parsed.kind() != "root") {
		return fmt.Errorf("%s is not the ARN of a user or an account's root", u.ARN)
	}
	if parsed.kind() == "root" {
		u.ID = parsed.account
	}
	if u.ID == "" {
		u.ID = derivedID("AIDA", u.ARN)
	}
	if u.AccessKeyID == "" {
		u.AccessKeyID = randomID("AKIA")
	}
	if u.SecretAccessKey == "" {
		u.SecretAccessKey = randomSecret()
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if before := w.users[u.ARN]; before != nil {
		delete(w.sessions, before.AccessKeyID)
	}
	w.users[u.ARN] = u
	w.keep(&session{
		accessKeyID: u.AccessKeyID, secret: u.SecretAccessKey,
		who: principal{arn: parsed, userID: u.ID},
	})
	return nil
}

// putRole adds or replaces a role, and generates the fields that are missing.
func (w *state) putRole(r *role) error {
	parsed, err := parseARN(r.ARN)
	if err != nil || parsed.service != "iam" || parsed.kind() != "role" {
		return fmt.Errorf("%s is not the ARN of a role", r.ARN)
	}
	if r.ID == "" {
		r.ID = derivedID("AROA", r.ARN)
	}
	if r.MaxSessionSeconds == 0 {
		r.MaxSessionSeconds = defaultMaxSession
	}
	if r.SessionTokenBytes == 0 {
		r.SessionTokenBytes = defaultTokenBytes
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	w.roles[r.ARN] = r
	return nil
}

// remove deletes the object with this ARN, access key id or machine id. It returns false if there is none.
func (w *state) remove(name string) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if u := w.users[name]; u != nil {
		delete(w.sessions, u.AccessKeyID)
		delete(w.users, name)
		return true
	}
	_, isRole := w.roles[name]
	_, isSession := w.sessions[name]
	delete(w.roles, name)
	delete(w.sessions, name)
	if i := w.instances[name]; i != nil {
		i.close()
		delete(w.instances, name)
		return true
	}
	if c := w.containers[name]; c != nil {
		c.close()
		delete(w.containers, name)
		return true
	}
	return isRole || isSession
}

func (w *state) user(arn string) *user {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.users[arn]
}

func (w *state) role(arn string) *role {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.roles[arn]
}

func (w *state) allSecrets() []string {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return append([]string{}, w.secrets...)
}
