package main

import (
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"
)

// instance is an EC2 instance. DescribeInstances returns it. It has a metadata service if Metadata is set.
type instance struct {
	ID             string `json:"id"`
	Account        string `json:"account"`
	Region         string `json:"region"`
	PrivateDNSName string `json:"privateDnsName"`
	// Metadata is v2 (session tokens required), v1-and-v2, v1 (no session tokens), hop-limit (the PUT
	// never gets a response), disabled, or empty for no metadata service.
	Metadata string `json:"metadata,omitempty"`
	// Listen is the address to listen on instead of a free loopback port.
	Listen string `json:"listen,omitempty"`
	// Profile is the name of its instance profile; empty for none.
	Profile string `json:"profile,omitempty"`
	// Role is the ARN of the role in the profile; empty if the profile has no role.
	Role string `json:"role,omitempty"`
	// Seconds is the lifetime of the credentials that it issues.
	Seconds int `json:"seconds,omitempty"`

	mutex     sync.Mutex
	listeners listeners
	// tokens maps each metadata session token to its expiration.
	tokens map[string]time.Time
	// session is the current role session. Like the real service, it is renewed after half its lifetime.
	session *session
	issued  time.Time
}

const (
	defaultInstanceSeconds = 6 * 3600
	longestMetadataSession = 6 * 3600
)

var metadataModes = map[string]bool{"": true, "v2": true, "v1-and-v2": true, "v1": true, "hop-limit": true, "disabled": true}

func (i *instance) close() { i.listeners.close() }

// machineURLs contains the URLs of a machine's endpoint.
type machineURLs struct {
	ID   string `json:"id"`
	IPv4 string `json:"ipv4,omitempty"`
	IPv6 string `json:"ipv6,omitempty"`
}

// putInstance adds an instance, or replaces one and keeps its URLs.
func (l *machines) putInstance(i *instance) (*machineURLs, error) {
	if i.ID == "" || !metadataModes[i.Metadata] || (i.Role != "" && i.Profile == "") {
		return nil, fmt.Errorf("instance %q needs an id, a valid metadata mode, and a profile if it has a role", i.ID)
	}
	if i.Account == "" {
		i.Account = "111122223333"
	}
	if i.Region == "" {
		i.Region = "us-east-1"
	}
	if i.Seconds == 0 {
		i.Seconds = defaultInstanceSeconds
	}
	i.tokens = map[string]time.Time{}
	l.state.mutex.Lock()
	before := l.state.instances[i.ID]
	l.state.mutex.Unlock()
	at := machineURLs{ID: i.ID}
	if before != nil && i.Metadata != "" && len(before.listeners) > 0 && before.Listen == i.Listen {
		i.listeners = before.listeners
	} else {
		if before != nil {
			before.close()
		}
		if i.Metadata != "" {
			opened, _, _, err := serve(i.Listen, &imds{l, i.ID})
			if err != nil {
				return nil, err
			}
			i.listeners = opened
		}
	}
	for _, listener := range i.listeners {
		url := "http://" + listener.Addr().String()
		if strings.Contains(url, "[") {
			at.IPv6 = url
		} else {
			at.IPv4 = url
		}
	}
	l.state.mutex.Lock()
	defer l.state.mutex.Unlock()
	l.state.instances[i.ID] = i
	return &at, nil
}

// imds serves the metadata of the instance that currently has this id.
type imds struct {
	*machines
	id string
}

// https://docs.aws.amazon.com/AWSEC2/latest/UserGuide/instancedata-data-retrieval.html
func (m *imds) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := &entry{Service: "imds", ID: m.id, Host: r.Host, Method: r.Method, Path: r.URL.Path, UserAgent: r.UserAgent()}
	defer func() { m.journal.add(*e) }()
	m.state.mutex.Lock()
	i := m.state.instances[m.id]
	m.state.mutex.Unlock()
	w.Header().Set("Server", "EC2ws")
	if i == nil || m.faults.inject(w, r, e, plainRefusal(w, e)) {
		return
	}
	answer := func(status int, body string) {
		e.Status = status
		if status != http.StatusOK {
			http.Error(w, fmt.Sprintf("%d - %s", status, http.StatusText(status)), status)
			return
		}
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte(body))
	}
	if i.Metadata == "disabled" {
		answer(http.StatusForbidden, "")
		return
	}
	if r.URL.Path == "/latest/api/token" {
		m.openSession(w, r, i, answer)
		return
	}
	if r.Method != http.MethodGet {
		answer(http.StatusMethodNotAllowed, "")
		return
	}
	token := r.Header.Get("X-aws-ec2-metadata-token")
	if token == "" && (i.Metadata == "v2" || i.Metadata == "hop-limit") {
		answer(http.StatusUnauthorized, "")
		return
	}
	if token != "" && i.Metadata != "v1" && !i.isValidToken(token) {
		answer(http.StatusUnauthorized, "")
		return
	}
	status, body := m.read(i, strings.TrimPrefix(r.URL.Path, "/latest/"))
	answer(status, body)
}

func (m *imds) openSession(w http.ResponseWriter, r *http.Request, i *instance, answer func(int, string)) {
	text := r.Header.Get("X-aws-ec2-metadata-token-ttl-seconds")
	seconds, err := strconv.Atoi(text)
	switch {
	case i.Metadata == "v1":
		answer(http.StatusNotFound, "")
	case r.Method != http.MethodPut:
		answer(http.StatusMethodNotAllowed, "")
	case r.Header.Get("X-Forwarded-For") != "":
		answer(http.StatusForbidden, "")
	case err != nil || seconds < 1 || seconds > longestMetadataSession:
		answer(http.StatusBadRequest, "")
	case i.Metadata == "hop-limit":
		// The response exceeds its hop limit on the way into the container.
		<-r.Context().Done()
	default:
		token := randomToken(56)
		i.mutex.Lock()
		i.tokens[token] = time.Now().Add(time.Duration(seconds) * time.Second)
		i.mutex.Unlock()
		w.Header().Set("X-aws-ec2-metadata-token-ttl-seconds", text)
		answer(http.StatusOK, token)
	}
}

func (i *instance) isValidToken(token string) bool {
	i.mutex.Lock()
	defer i.mutex.Unlock()
	return time.Now().Before(i.tokens[token])
}

// read returns the status and content of a path below /latest/.
func (m *imds) read(i *instance, path string) (int, string) {
	const credentials = "meta-data/iam/security-credentials/"
	role := i.Role[strings.LastIndex(i.Role, "/")+1:]
	switch path {
	case "", "meta-data", "dynamic":
		return http.StatusOK, "dynamic\nmeta-data"
	case "meta-data/":
		return http.StatusOK, "ami-id\nhostname\niam/\ninstance-id\nlocal-hostname\nplacement/"
	case "meta-data/instance-id":
		return http.StatusOK, i.ID
	case "meta-data/hostname", "meta-data/local-hostname":
		return http.StatusOK, i.PrivateDNSName
	case "meta-data/placement/region":
		return http.StatusOK, i.Region
	case "meta-data/placement/availability-zone":
		return http.StatusOK, i.Region + "a"
	case "dynamic/instance-identity/document":
		return http.StatusOK, string(asJSON(map[string]string{"accountId": i.Account, "instanceId": i.ID, "region": i.Region, "availabilityZone": i.Region + "a"}))
	}
	if i.Profile == "" || !strings.HasPrefix(path, "meta-data/iam/") {
		return http.StatusNotFound, ""
	}
	switch path {
	case "meta-data/iam/":
		return http.StatusOK, "info\nsecurity-credentials/"
	case "meta-data/iam/info":
		return http.StatusOK, string(asJSON(i.info()))
	case credentials, strings.TrimSuffix(credentials, "/"):
		return http.StatusOK, role
	case credentials + role:
		if role != "" {
			return http.StatusOK, string(asJSON(m.credentials(i, role)))
		}
	}
	return http.StatusNotFound, ""
}

// info returns the content of iam/info:
// https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html
func (i *instance) info() map[string]string {
	arn := fmt.Sprintf("arn:aws:iam::%s:instance-profile/%s", i.Account, i.Profile)
	info := map[string]string{
		"Code":               "Success",
		"LastUpdated":        time.Now().UTC().Format(time.RFC3339),
		"InstanceProfileArn": arn,
		"InstanceProfileId":  derivedID("AIPA", arn),
	}
	if i.Role == "" {
		info["Message"] = "Instance Profile does not contain a role"
	}
	return info
}

// credentials returns the credentials of the role, or the reason why EC2 has none.
func (m *imds) credentials(i *instance, name string) map[string]string {
	now := time.Now().UTC()
	role := m.state.role(i.Role)
	if role == nil || !role.trusts("Service", "ec2.amazonaws.com", "sts:AssumeRole", context{}) {
		return map[string]string{
			"Code":        "AssumeRoleUnauthorizedAccess",
			"Message":     "EC2 cannot assume the role " + name + ". Please see documentation at https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_iam-ec2.html#troubleshoot_iam-ec2_errors-info-doc.",
			"LastUpdated": now.Format(time.RFC3339),
		}
	}
	i.mutex.Lock()
	defer i.mutex.Unlock()
	life := time.Duration(i.Seconds) * time.Second
	if i.session == nil || now.After(i.issued.Add(life/2)) {
		i.session, i.issued = m.state.assume(role, i.ID, life), now
	}
	return map[string]string{
		"Code":            "Success",
		"LastUpdated":     i.issued.Format(time.RFC3339),
		"Type":            "AWS-HMAC",
		"AccessKeyId":     i.session.accessKeyID,
		"SecretAccessKey": i.session.secret,
		"Token":           i.session.token,
		"Expiration":      i.session.expires.Format(time.RFC3339),
	}
}
