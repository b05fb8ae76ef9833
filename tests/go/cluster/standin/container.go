package main

import (
	"fmt"
	"net/http"
	"time"
)

// container is an ECS task or a pod with EKS Pod Identity, with its credential endpoint.
type container struct {
	ID string `json:"id"`
	// Kind is ecs or pod-identity.
	Kind string `json:"kind"`
	// Role is the ARN of its role; empty for a pod without an association.
	Role string `json:"role,omitempty"`
	// Session is the role session name. It is generated if empty.
	Session string `json:"session,omitempty"`
	// Token is the required Authorization header; if empty, any is accepted.
	Token string `json:"authorizationToken,omitempty"`
	// Listen is the address to listen on instead of a free loopback port.
	Listen string `json:"listen,omitempty"`
	// Seconds is the lifetime of the credentials that it issues.
	Seconds int `json:"seconds,omitempty"`

	listeners listeners
}

const defaultContainerSeconds = 6 * 3600

func (c *container) close() { c.listeners.close() }

func (c *container) path() string {
	if c.Kind == "ecs" {
		return "/v2/credentials/" + c.ID
	}
	return "/v1/credentials"
}

// putContainer adds or replaces a container and returns the URLs of its endpoint.
func (l *machines) putContainer(c *container) (*machineURLs, error) {
	if c.ID == "" || (c.Kind != "ecs" && c.Kind != "pod-identity") {
		return nil, fmt.Errorf("container %q needs an id, and a kind of ecs or pod-identity", c.ID)
	}
	if c.Session == "" {
		c.Session = "eks-cluster-" + c.ID
	}
	if c.Seconds == 0 {
		c.Seconds = defaultContainerSeconds
	}
	opened, ipv4, ipv6, err := serve(c.Listen, &agent{l, c})
	if err != nil {
		return nil, err
	}
	c.listeners = opened
	if ipv6 != "" {
		ipv6 += c.path()
	}
	l.state.mutex.Lock()
	defer l.state.mutex.Unlock()
	if before := l.state.containers[c.ID]; before != nil {
		before.close()
	}
	l.state.containers[c.ID] = c
	if c.Token != "" {
		l.state.secrets = append(l.state.secrets, c.Token)
	}
	return &machineURLs{c.ID, ipv4 + c.path(), ipv6}, nil
}

type agent struct {
	*machines
	container *container
}

// https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html
func (a *agent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	c := a.container
	e := &entry{Service: "container", ID: c.ID, Host: r.Host, Method: r.Method, Path: r.URL.Path, UserAgent: r.UserAgent()}
	defer func() { a.journal.add(*e) }()
	refuse := plainRefusal(w, e)
	if a.faults.inject(w, r, e, refuse) {
		return
	}
	token := r.Header.Get("Authorization")
	role := a.state.role(c.Role)
	switch {
	case r.Method != http.MethodGet:
		refuse(&refusal{405, "", "Method Not Allowed"})
	case r.URL.Path != c.path():
		refuse(&refusal{404, "", "404 page not found"})
	case c.Token != "" && token == "":
		refuse(&refusal{400, "", "Service account token cannot be empty"})
	case c.Token != "" && token != c.Token:
		refuse(&refusal{400, "InvalidTokenException", "InvalidTokenException: The token included in the request is invalid."})
	case role == nil:
		refuse(&refusal{404, "ResourceNotFoundException", "ResourceNotFoundException: No association found"})
	case !role.trusts("Service", c.service(), "sts:AssumeRole", context{}):
		refuse(&refusal{400, "AccessDeniedException", "AccessDeniedException: Unauthorized Exception! EKS does not have permissions to assume the associated role."})
	default:
		s := a.state.assume(role, c.Session, time.Duration(c.Seconds)*time.Second)
		answer := map[string]string{
			"AccessKeyId":     s.accessKeyID,
			"SecretAccessKey": s.secret,
			"Token":           s.token,
			"Expiration":      s.expires.Format(time.RFC3339),
		}
		if c.Kind == "ecs" {
			answer["RoleArn"] = c.Role
		} else {
			answer["AccountId"] = s.who.arn.account
		}
		e.Status = 200
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(asJSON(answer))
	}
}

func (c *container) service() string {
	if c.Kind == "ecs" {
		return "ecs-tasks.amazonaws.com"
	}
	return "pods.eks.amazonaws.com"
}
