package main

import (
	"encoding/json"
	"fmt"
	"net/http"
)

// control serves the control API, which README.md describes.
type control struct {
	state    *state
	journal  *journal
	faults   *faults
	machines *machines
}

// declaration lists objects to add, replace or remove.
type declaration struct {
	Users      []*user       `json:"users"`
	Roles      []*role       `json:"roles"`
	Issuers    []*issuer     `json:"issuers"`
	Instances  []*instance   `json:"instances"`
	Containers []*container  `json:"containers"`
	SSO        []*ssoSession `json:"sso"`
	// Remove lists ARNs, access key ids and machine ids.
	Remove []string `json:"remove"`
}

// declared is the response to a declaration, with the generated fields.
type declared struct {
	Users      []*user        `json:"users"`
	Roles      []*role        `json:"roles"`
	Instances  []*machineURLs `json:"instances"`
	Containers []*machineURLs `json:"containers"`
	SSO        []*ssoSession  `json:"sso"`
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
			token, err := c.state.webIdentity(*q)
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
		return c.state.allSecrets(), nil
	}
	return nil, fmt.Errorf("unknown: %s %s", r.Method, r.URL.Path)
}

// with decodes the request body and calls do. Unknown fields are errors.
func with[T any](r *http.Request, do func(*T) (any, error)) (any, error) {
	var body T
	decoder := json.NewDecoder(r.Body)
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&body); err != nil {
		return nil, err
	}
	return do(&body)
}

func (c *control) declare(d *declaration) (any, error) {
	response := declared{Users: d.Users, Roles: d.Roles, SSO: d.SSO}
	for _, name := range d.Remove {
		if !c.state.remove(name) {
			return nil, fmt.Errorf("%s does not exist", name)
		}
	}
	for _, one := range d.Users {
		if err := c.state.putUser(one); err != nil {
			return nil, err
		}
	}
	for _, one := range d.Roles {
		if err := c.state.putRole(one); err != nil {
			return nil, err
		}
	}
	for _, one := range d.Issuers {
		if err := c.state.putIssuer(one); err != nil {
			return nil, err
		}
	}
	for _, one := range d.SSO {
		if err := c.state.putSSO(one); err != nil {
			return nil, err
		}
	}
	for _, one := range d.Instances {
		at, err := c.machines.putInstance(one)
		if err != nil {
			return nil, err
		}
		response.Instances = append(response.Instances, at)
	}
	for _, one := range d.Containers {
		at, err := c.machines.putContainer(one)
		if err != nil {
			return nil, err
		}
		response.Containers = append(response.Containers, at)
	}
	return response, nil
}

func (c *control) sessions(requests *[]sessionRequest) (any, error) {
	granted := []credentials{}
	for _, one := range *requests {
		s, err := c.state.grant(one)
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
	if !c.state.expire(q.AccessKeyID) {
		return nil, fmt.Errorf("%s is not a session", q.AccessKeyID)
	}
	return nil, nil
}
