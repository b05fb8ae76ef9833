package main

import (
	"strings"
	"time"
)

// principal is who signs a request.
type principal struct {
	// arn as STS reports it.
	arn arn
	// userID as STS reports it: ID, or ID:SESSION for a role.
	userID string
	// role is the IAM ARN of an assumed role.
	role string
}

// session is a set of credentials and who holds them.
type session struct {
	accessKeyID string
	secret      string
	// token is empty for the long-term keys of a user.
	token   string
	expires time.Time
	who     principal
}

// credentials is how a session is handed out.
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

// assume returns a new session of a role.
func (w *world) assume(r *role, name string, life time.Duration) *session {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	return w.newSession(roleSession(r, name), r.SessionTokenBytes, life)
}

// roleSession is who a role's session is to STS, which leaves out the role's path.
func roleSession(r *role, name string) principal {
	of, _ := parseARN(r.ARN)
	resource := strings.Split(of.resource, "/")
	of.service = "sts"
	of.resource = "assumed-role/" + resource[len(resource)-1] + "/" + name
	return principal{arn: of, userID: r.ID + ":" + name, role: r.ARN}
}

// newSession needs the mutex.
func (w *world) newSession(who principal, tokenBytes int, life time.Duration) *session {
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

// keep needs the mutex.
func (w *world) keep(s *session) {
	w.sessions[s.accessKeyID] = s
	w.secrets = append(w.secrets, s.secret)
	if s.token != "" {
		w.secrets = append(w.secrets, s.token)
	}
}

// sessionRequest asks for credentials of somebody, without anybody's leave.
type sessionRequest struct {
	// ARN as STS reports it: assumed-role, federated-user; or of a user or root for a key that lasts.
	ARN string `json:"arn"`
	// UserID is made up when it is left out.
	UserID string `json:"userId"`
	// Seconds until they expire; 3600 when left out, and less than 0 is over already.
	Seconds           int `json:"seconds"`
	SessionTokenBytes int `json:"sessionTokenBytes"`
}

func (w *world) grant(q sessionRequest) (*session, error) {
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
			q.UserID = madeID("AROA", role) + ":" + parts[len(parts)-1]
		case "federated-user":
			q.UserID = who.account + ":" + parts[len(parts)-1]
		case "root":
			q.UserID = who.account
		default:
			q.UserID = madeID("AIDA", q.ARN)
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

func (w *world) session(accessKeyID string) *session {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	if s := w.sessions[accessKeyID]; s != nil {
		copied := *s
		return &copied
	}
	return nil
}

// expire ends a session now; false if there is none.
func (w *world) expire(accessKeyID string) bool {
	w.mutex.Lock()
	defer w.mutex.Unlock()
	s := w.sessions[accessKeyID]
	if s == nil || s.token == "" {
		return false
	}
	s.expires = time.Now().UTC().Add(-time.Second)
	return true
}
