package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// services serves every AWS host.
type services struct {
	state   *state
	journal *journal
	faults  *faults
}

// refusal is an AWS error.
type refusal struct {
	status  int
	code    string
	message string
}

// call is one API request and the writer for its response.
type call struct {
	*services
	w          http.ResponseWriter
	r          *http.Request
	body       []byte
	parameters url.Values
	at         endpoint
	entry      *entry
	requestID  string
}

// maxBody is much larger than any valid request.
const maxBody = 1 << 20

func (s *services) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	e := &entry{Host: r.Host, Method: r.Method, Path: r.URL.Path, UserAgent: r.UserAgent(), Connection: r.RemoteAddr}
	defer func() { s.journal.add(*e) }()
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody))
	if err != nil {
		return
	}
	c := &call{services: s, w: w, r: r, body: body, entry: e, requestID: randomID("")}
	c.parameters = r.URL.Query()
	if strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded") {
		if form, err := url.ParseQuery(string(body)); err == nil {
			for name, values := range form {
				c.parameters[name] = values
			}
		}
	}
	signature, unsigned := readSignature(r)
	e.Action = c.parameters.Get("Action")
	if signature != nil {
		e.AccessKeyID = signature.accessKeyID
	}
	var known bool
	if c.at, known = endpointOf(hostOf(r)); !known {
		// The listener without TLS has no AWS host name, so use the service in the signature.
		c.at = endpoint{service: "sts"}
		if signature != nil {
			c.at.service = signature.scope[2]
		}
	}
	e.Service = c.at.service
	w.Header().Set("x-amzn-RequestId", c.requestID)

	if s.faults.inject(w, r, e, c.refuse) {
		return
	}
	// https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html is called without credentials.
	if e.Action == "AssumeRoleWithWebIdentity" && signature == nil && c.at.service == "sts" {
		c.assumeRoleWithWebIdentity()
		return
	}
	switch c.at.service + " " + e.Method + " " + e.Path {
	case "sso GET /federation/credentials":
		e.Action = "GetRoleCredentials"
		c.getRoleCredentials()
		return
	case "oidc POST /token":
		e.Action = "CreateToken"
		c.createToken()
		return
	}
	if unsigned != nil {
		c.refuse(unsigned)
		return
	}
	caller, refused := s.state.verify(r, body, signature, c.at)
	if refused != nil {
		c.refuse(refused)
		return
	}
	switch c.at.service + ":" + e.Action {
	case "sts:GetCallerIdentity":
		c.getCallerIdentity(caller)
	case "sts:AssumeRole":
		c.assumeRole(caller)
	case "ec2:DescribeInstances":
		c.describeInstances(caller)
	default:
		c.refuse(&refusal{400, "InvalidAction", "Could not find operation " + e.Action + " for version " + c.parameters.Get("Version")})
	}
}

func hostOf(r *http.Request) string {
	host, _, _ := strings.Cut(r.Host, ":")
	return host
}

// refuse sends an error in the service's format.
func (c *call) refuse(refused *refusal) {
	c.entry.Code = refused.code
	switch c.at.service {
	case "ec2":
		c.refuseAsEC2(refused)
		return
	case "sso", "oidc":
		c.refuseAsREST(refused)
		return
	}
	detail := errorDetail{Type: "Sender", Code: refused.code, Message: refused.message}
	if refused.status >= 500 {
		detail.Type = "Receiver"
	}
	if c.wantsJSON() {
		c.send(refused.status, "application/json", asJSON(map[string]any{"Error": detail, "RequestId": c.requestID}))
		return
	}
	c.send(refused.status, "text/xml", asXML("ErrorResponse", stsNamespace, struct {
		Error     errorDetail
		RequestID string `xml:"RequestId"`
	}{detail, c.requestID}))
}

type errorDetail struct {
	Type    string `json:"Type"`
	Code    string `json:"Code"`
	Message string `json:"Message"`
}

// answer sends the result of an action in the format that the client accepts.
func (c *call) answer(result any) {
	action := c.entry.Action
	metadata := struct {
		RequestID string `xml:"RequestId" json:"RequestId"`
	}{c.requestID}
	if c.wantsJSON() {
		c.send(200, "application/json", asJSON(map[string]any{
			action + "Response": map[string]any{action + "Result": result, "ResponseMetadata": metadata},
		}))
		return
	}
	c.send(200, "text/xml", asXML(action+"Response", stsNamespace, struct {
		Result   named
		Metadata any `xml:"ResponseMetadata"`
	}{named{action + "Result", result}, metadata}))
}

func (c *call) wantsJSON() bool {
	return strings.Contains(c.r.Header.Get("Accept"), "application/json")
}

func (c *call) send(status int, kind string, content []byte) {
	c.entry.Status = status
	c.w.Header().Set("Content-Type", kind)
	c.w.WriteHeader(status)
	_, _ = c.w.Write(content)
}

func asJSON(value any) []byte {
	content, err := json.Marshal(value)
	if err != nil {
		panic(err)
	}
	return content
}

// asXML encodes value as an element with the given name.
func asXML(name, namespace string, value any) []byte {
	var content bytes.Buffer
	start := xml.StartElement{Name: xml.Name{Local: name}}
	if namespace != "" {
		start.Attr = []xml.Attr{{Name: xml.Name{Local: "xmlns"}, Value: namespace}}
	}
	if err := xml.NewEncoder(&content).EncodeElement(value, start); err != nil {
		panic(err)
	}
	return content.Bytes()
}

// named is an XML element whose name is known only at run time.
type named struct {
	name  string
	value any
}

func (n named) MarshalXML(to *xml.Encoder, _ xml.StartElement) error {
	return to.EncodeElement(n.value, xml.StartElement{Name: xml.Name{Local: n.name}})
}
