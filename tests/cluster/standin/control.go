package main

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// control takes what README.md lists.
type control struct {
	world   *world
	journal *journal
	faults  *faults
	local   *local
}

// declaration is what there is to be from now on.
type declaration struct {
	Users      []*user       `json:"users"`
	Roles      []*role       `json:"roles"`
	Issuers    []*issuer     `json:"issuers"`
	Instances  []*instance   `json:"instances"`
	Containers []*container  `json:"containers"`
	SSO        []*ssoSession `json:"sso"`
	// Remove names ARNs, access key ids, and ids of machines.
	Remove []string `json:"remove"`
}

// declared answers with what the stand-in made up.
type declared struct {
	Users      []*user       `json:"users"`
	Roles      []*role       `json:"roles"`
	Instances  []*reached    `json:"instances"`
	Containers []*reached    `json:"containers"`
	SSO        []*ssoSession `json:"sso"`
}

func (c *control) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer, err := c.answer(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write(append(asJSON(answer), '\n'))
}

func (c *control) answer(r *http.Request) (any, error) {
	switch r.Method + " " + r.URL.Path {
	case "POST /declare":
		return with(r, c.declare)
	case "POST /sessions":
		return with(r, c.sessions)
	case "POST /expire":
		return with(r, c.expire)
	case "POST /web-identity":
		return with(r, func(q *tokenRequest) (any, error) {
			token, err := c.world.webIdentity(*q)
			return map[string]string{"token": token}, err
		})
	case "POST /faults":
		return with(r, func(more *[]*fault) (any, error) { return nil, c.faults.add(*more) })
	case "DELETE /faults":
		c.faults.clear()
		return nil, nil
	case "GET /requests":
		return c.journal.all(), nil
	case "DELETE /requests":
		c.journal.clear()
		return nil, nil
	case "GET /secrets":
		return c.world.allSecrets(), nil
	}
	return nil, fmt.Errorf("unknown: %s %s", r.Method, r.URL.Path)
}

// with reads the body, in which a field that nobody knows is a mistake.
func with[T any](r *http.Request, do func(*T) (any, error)) (any, error) {
	var asked T
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&asked); err != nil {
		return nil, err
	}
	return do(&asked)
}

func (c *control) declare(d *declaration) (any, error) {
	told := declared{Users: d.Users, Roles: d.Roles, SSO: d.SSO}
	for _, name := range d.Remove {
		if !c.world.remove(name) {
			return nil, fmt.Errorf("there is no %s", name)
		}
	}
	for _, one := range d.Users {
		if err := c.world.putUser(one); err != nil {
			return nil, err
		}
	}
	for _, one := range d.Roles {
		if err := c.world.putRole(one); err != nil {
			return nil, err
		}
	}
	for _, one := range d.Issuers {
		if err := c.world.putIssuer(one); err != nil {
			return nil, err
		}
	}
	for _, one := range d.SSO {
		if err := c.world.putSSO(one); err != nil {
			return nil, err
		}
	}
	for _, one := range d.Instances {
		at, err := c.local.putInstance(one)
		if err != nil {
			return nil, err
		}
		told.Instances = append(told.Instances, at)
	}
	for _, one := range d.Containers {
		at, err := c.local.putContainer(one)
		if err != nil {
			return nil, err
		}
		told.Containers = append(told.Containers, at)
	}
	return told, nil
}

func (c *control) sessions(wanted *[]sessionRequest) (any, error) {
	granted := []credentials{}
	for _, one := range *wanted {
		s, err := c.world.grant(one)
		if err != nil {
			return nil, err
		}
		granted = append(granted, s.credentials())
	}
	return granted, nil
}

func (c *control) expire(q *struct {
	AccessKeyID string `json:"accessKeyId"`
}) (any, error) {
	if !c.world.expire(q.AccessKeyID) {
		return nil, fmt.Errorf("%s is no session", q.AccessKeyID)
	}
	return nil, nil
}
