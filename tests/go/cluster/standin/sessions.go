package main

import (
	"strings"
	"time"
)

// principal is the identity that signs a request.
type principal struct {
	// arn is the ARN that STS reports.
	arn arn
	// userID is the id that STS reports: ID, or ID:SESSION for a role.
	userID string
	// role is the IAM ARN of the assumed role, if any.
	role string
}

// session is a set of credentials and the principal that holds them.
type session struct {
	accessKeyID string
	secret      string
	// token is the session token; empty for a user's long-term keys.
	token   string
	expires time.Time
	who     principal
}

// credentials is the JSON form of a session.
type credentials struct {
	ARN             string     `json:"arn"`
	UserID          string     `json:"userId"`
	AccessKeyID     string     `json:"accessKeyId"`
	SecretAccessKey string     `json:"secretAccessKey"`
	SessionToken    string     `json:"sessionToken,omitempty"`
	Expiration      *time.Time `json:"expiration,omitempty"`
}

func (s *session) credentials() credentials {
	c := credentials{
		ARN: s.who.arn.String(), UserID: s.who.userID,
		AccessKeyID: s.accessKeyID, SecretAccessKey: s.secret, SessionToken: s.token,
	}
	if s.token != "" {
		c.Expiration = &s.expires
	}
	return c
}

// assume returns a new session of the role.
func (w *state) assume(r *role, name string, life time.Duration) *session {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.newSession(roleSession(r, name), r.SessionTokenBytes, life)
}

// roleSession returns the principal of a role session. As in STS, its ARN lacks the role's path.
func roleSession(r *role, name string) principal {
	of, _ := parseARN(r.ARN)
	resource := strings.Split(of.resource, "/")
	of.service = "sts"
	of.resource = "assumed-role/" + resource[len(resource)-1] + "/" + name
	return principal{arn: of, userID: r.ID + ":" + name, role: r.ARN}
}

// newSession creates a session. The caller must hold the mutex.
func (w *state) newSession(who principal, tokenBytes int, life time.Duration) *session {
	s := &session{
		accessKeyID: randomID("ASIA"),
		secret:      randomSecret(),
		token:       randomToken(tokenBytes),
		// AWS states whole seconds.
		expires: time.Now().UTC().Add(life).Truncate(time.Second),
		who:     who,
	}
	w.keep(s)
	return s
}

// keep stores a session and its secrets. The caller must hold the mutex.
func (w *state) keep(s *session) {
	w.sessions[s.accessKeyID] = s
	w.secrets = append(w.secrets, s.secret)
	if s.token != "" {
		w.secrets = append(w.secrets, s.token)
	}
}

// sessionRequest requests credentials of any principal, without an authorization check.
type sessionRequest struct {
	// ARN is an ARN as STS reports it (assumed-role, federated-user) for temporary credentials, or the ARN of a user or root for long-term keys.
	ARN string `json:"arn"`
	// UserID is generated if it is empty.
	UserID string `json:"userId"`
	// Seconds is the lifetime. The default is 3600. Negative values return expired credentials.
	Seconds           int `json:"seconds"`
	SessionTokenBytes int `json:"sessionTokenBytes"`
}

func (w *state) grant(q sessionRequest) (*session, error) {
	who, err := parseARN(q.ARN)
	if err != nil {
		return nil, err
	}
	if q.Seconds == 0 {
		q.Seconds = defaultMaxSession
	}
	if q.SessionTokenBytes == 0 {
		q.SessionTokenBytes = defaultTokenBytes
	}
	parts := strings.Split(who.resource, "/")
	role := ""
	if who.kind() == "assumed-role" {
		of := who
		of.service, of.resource = "iam", "role/"+strings.Join(parts[1:len(parts)-1], "/")
		role = of.String()
	}
	if q.UserID == "" {
		switch who.kind() {
		case "assumed-role":
			q.UserID = derivedID("AROA", role) + ":" + parts[len(parts)-1]
		case "federated-user":
			q.UserID = who.account + ":" + parts[len(parts)-1]
		case "root":
			q.UserID = who.account
		default:
			q.UserID = derivedID("AIDA", q.ARN)
		}
	}
	w.mutex.Lock()
	defer w.mutex.Unlock()
	p := principal{arn: who, userID: q.UserID, role: role}
	if who.service == "iam" {
		s := &session{accessKeyID: randomID("AKIA"), secret: randomSecret(), who: p}
		w.keep(s)
		return s, nil
	}
	return w.newSession(p, q.SessionTokenBytes, time.Duration(q.Seconds)*time.Second), nil
}

func (w *state) session(accessKeyID string) *session {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if s := w.sessions[accessKeyID]; s != nil {
		copied := *s
		return &copied
	}
	return nil
}

// expire ends a session immediately. It returns false if there is no such session.
func (w *state) expire(accessKeyID string) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	s := w.sessions[accessKeyID]
	if s == nil || s.token == "" {
		return false
	}
	s.expires = time.Now().UTC().Add(-time.Second)
	return true
}
