package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

const (
	algorithm    = "AWS4-HMAC-SHA256"
	amzDate      = "20060102T150405Z"
	tolerance    = 15 * time.Minute
	notMatching  = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	invalidToken = "The security token included in the request is invalid."
	expiredToken = "The security token included in the request is expired"
)

// signature contains the signing parameters of a request.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html
type signature struct {
	accessKeyID string
	// scope is DATE/REGION/SERVICE/aws4_request.
	scope   []string
	date    string
	headers []string
	value   string
	token   string
	// presigned is true if the parameters are in the query string.
	presigned bool
}

// readSignature parses the signature in the query string or in the Authorization header.
func readSignature(r *http.Request) (*signature, *refusal) {
	var s signature
	var missing []string
	var named, credential string
	query := r.URL.Query()
	header := r.Header.Get("Authorization")
	switch {
	case query.Has("X-Amz-Algorithm") || query.Has("X-Amz-Signature"):
		s.presigned = true
		parameter := func(name string) string {
			if query.Get(name) == "" {
				missing = append(missing, fmt.Sprintf("AWS query-string parameters must include '%s'. ", name))
			}
			return query.Get(name)
		}
		named = parameter("X-Amz-Algorithm")
		credential = parameter("X-Amz-Credential")
		s.value = parameter("X-Amz-Signature")
		s.headers = strings.Split(parameter("X-Amz-SignedHeaders"), ";")
		s.date = parameter("X-Amz-Date")
		s.token = query.Get("X-Amz-Security-Token")
	case header != "":
		var rest string
		named, rest, _ = strings.Cut(header, " ")
		parts := map[string]string{}
		for part := range strings.SplitSeq(rest, ",") {
			name, value, _ := strings.Cut(strings.TrimSpace(part), "=")
			parts[name] = value
		}
		parameter := func(name string) string {
			if parts[name] == "" {
				missing = append(missing, fmt.Sprintf("Authorization header requires '%s' parameter. ", name))
			}
			return parts[name]
		}
		credential = parameter("Credential")
		s.value = parameter("Signature")
		s.headers = strings.Split(parameter("SignedHeaders"), ";")
		s.date = r.Header.Get("X-Amz-Date")
		if s.date == "" {
			missing = append(missing, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
		}
		s.token = r.Header.Get("X-Amz-Security-Token")
	default:
		return nil, &refusal{403, "MissingAuthenticationToken", "Request is missing Authentication Token"}
	}
	if len(missing) > 0 {
		return nil, incomplete(strings.Join(missing, ""))
	}
	if named != algorithm {
		return nil, incomplete(fmt.Sprintf("Unsupported AWS 'algorithm': '%s'. ", named))
	}
	parts := strings.Split(credential, "/")
	if len(parts) != 5 || parts[4] != "aws4_request" {
		return nil, incomplete("Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term. ")
	}
	s.accessKeyID, s.scope = parts[0], parts[1:]
	return &s, nil
}

func incomplete(message string) *refusal { return &refusal{400, "IncompleteSignature", message} }

func mismatch(message string) *refusal { return &refusal{403, "SignatureDoesNotMatch", message} }

// verify checks a signature completely. at is the endpoint that received the request; an empty region matches any region.
func (w *state) verify(r *http.Request, body []byte, s *signature, at endpoint) (*session, *refusal) {
	known := w.session(s.accessKeyID)
	if known == nil || known.token != s.token || (at.partition != "" && known.who.arn.partition != at.partition) {
		return nil, &refusal{403, "InvalidClientTokenId", invalidToken}
	}
	now := time.Now().UTC()
	if known.token != "" && !now.Before(known.expires) {
		return nil, &refusal{403, "ExpiredToken", expiredToken}
	}
	date, region, service := s.scope[0], s.scope[1], s.scope[2]
	if service != at.service {
		return nil, mismatch(fmt.Sprintf("Credential should be scoped to correct service: '%s'. ", at.service))
	}
	if at.region != "" && region != at.region {
		return nil, mismatch("Credential should be scoped to a valid region. ")
	}
	if refused := inTime(s.date, date, now); refused != nil {
		return nil, refused
	}
	if !slices.Contains(s.headers, "host") {
		return nil, mismatch("'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	canonical, refused := canonicalRequest(r, body, s)
	if refused != nil {
		return nil, refused
	}
	toSign := strings.Join([]string{algorithm, s.date, strings.Join(s.scope, "/"), hexSum([]byte(canonical))}, "\n")
	if !hmac.Equal([]byte(hex.EncodeToString(keyed(signingKey(known.secret, s.scope), toSign))), []byte(s.value)) {
		return nil, mismatch(notMatching)
	}
	return known, nil
}

// inTime checks X-Amz-Date. Like STS, it ignores X-Amz-Expires.
func inTime(date, scopeDate string, now time.Time) *refusal {
	signed, err := time.Parse(amzDate, date)
	if err != nil {
		return incomplete(fmt.Sprintf("Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601 ", date))
	}
	if !strings.HasPrefix(date, scopeDate) {
		return mismatch(fmt.Sprintf("Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.", scopeDate, date[:8], date))
	}
	oldest, newest := now.Add(-tolerance), now.Add(tolerance)
	minutes := int(tolerance.Minutes())
	if signed.Before(oldest) {
		return mismatch(fmt.Sprintf("Signature expired: %s is now earlier than %s (%s - %d min.)", date, oldest.Format(amzDate), now.Format(amzDate), minutes))
	}
	if signed.After(newest) {
		return mismatch(fmt.Sprintf("Signature not yet current: %s is still later than %s (%s + %d min.)", date, newest.Format(amzDate), now.Format(amzDate), minutes))
	}
	return nil
}

func canonicalRequest(r *http.Request, body []byte, s *signature) (string, *refusal) {
	headers := ""
	for _, name := range s.headers {
		values := r.Header.Values(name)
		switch name {
		case "host":
			values = []string{r.Host}
		case "content-length":
			values = []string{fmt.Sprint(r.ContentLength)}
		}
		for at, value := range values {
			values[at] = strings.Join(strings.Fields(value), " ")
		}
		headers += name + ":" + strings.Join(values, ",") + "\n"
	}
	hash := hexSum(body)
	if stated := r.Header.Get("X-Amz-Content-Sha256"); stated != "" && stated != hash {
		return "", mismatch(notMatching)
	}
	return strings.Join([]string{
		r.Method,
		canonicalPath(r.URL.EscapedPath()),
		canonicalQuery(r.URL.RawQuery),
		headers,
		strings.Join(s.headers, ";"),
		hash,
	}, "\n"), nil
}

func canonicalPath(escaped string) string {
	if escaped == "" {
		return "/"
	}
	segments := strings.Split(escaped, "/")
	for at, segment := range segments {
		segments[at] = encode(segment)
	}
	return strings.Join(segments, "/")
}

func canonicalQuery(raw string) string {
	var parameters [][2]string
	for pair := range strings.SplitSeq(raw, "&") {
		name, value, _ := strings.Cut(pair, "=")
		name, value = recode(name), recode(value)
		if pair != "" && name != "X-Amz-Signature" {
			parameters = append(parameters, [2]string{name, value})
		}
	}
	slices.SortStableFunc(parameters, func(a, b [2]string) int {
		if order := strings.Compare(a[0], b[0]); order != 0 {
			return order
		}
		return strings.Compare(a[1], b[1])
	})
	pairs := make([]string, 0, len(parameters))
	for _, parameter := range parameters {
		pairs = append(pairs, parameter[0]+"="+parameter[1])
	}
	return strings.Join(pairs, "&")
}

// recode converts any percent encoding to the canonical one.
func recode(text string) string {
	plain, err := url.QueryUnescape(text)
	if err != nil {
		return encode(text)
	}
	return encode(plain)
}

func encode(text string) string {
	const kept = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	var encoded strings.Builder
	for _, b := range []byte(text) {
		if strings.IndexByte(kept, b) >= 0 {
			encoded.WriteByte(b)
		} else {
			fmt.Fprintf(&encoded, "%%%02X", b)
		}
	}
	return encoded.String()
}

func signingKey(secret string, scope []string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range scope {
		key = keyed(key, part)
	}
	return key
}

func keyed(key []byte, text string) []byte {
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(text))
	return mac.Sum(nil)
}

func hexSum(bytes []byte) string {
	sum := sha256.Sum256(bytes)
	return hex.EncodeToString(sum[:])
}
