package main

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// statement is a statement of an IAM policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
type statement struct {
	Sid       string                      `json:"Sid,omitempty"`
	Effect    string                      `json:"Effect"`
	Principal principals                  `json:"Principal,omitzero"`
	Action    texts                       `json:"Action"`
	Resource  texts                       `json:"Resource,omitempty"`
	Condition map[string]map[string]texts `json:"Condition,omitempty"`
}

// principals is "*", or a map from kinds such as AWS, Service and Federated to names.
type principals struct {
	everyone bool
	of       map[string]texts
}

func (p *principals) UnmarshalJSON(bytes []byte) error {
	if string(bytes) == `"*"` {
		p.everyone = true
		return nil
	}
	return json.Unmarshal(bytes, &p.of)
}

func (p principals) MarshalJSON() ([]byte, error) {
	if p.everyone {
		return []byte(`"*"`), nil
	}
	return json.Marshal(p.of)
}

// texts is one string or a list of strings, as in IAM policies.
type texts []string

func (t *texts) UnmarshalJSON(bytes []byte) error {
	var one string
	if json.Unmarshal(bytes, &one) == nil {
		*t = texts{one}
		return nil
	}
	var boolean bool
	if json.Unmarshal(bytes, &boolean) == nil {
		*t = texts{fmt.Sprint(boolean)}
		return nil
	}
	return json.Unmarshal(bytes, (*[]string)(t))
}

// context contains the condition keys of a request.
type context map[string]string

// request is a request for an action that a policy allows or denies.
type request struct {
	action   string
	resource string
	// callers lists the names by which a Principal element may refer to the caller, by kind.
	callers map[string][]string
	context context
}

// verdict is the result of evaluating one policy.
type verdict struct {
	denied bool
	// allowed is true if a statement allows the request. match is how specifically it names the caller.
	allowed bool
	match   match
}

// match is how specifically a Principal element names a caller. Higher values are more specific.
type match int

const (
	// noMatch means that the caller is not named.
	noMatch match = iota
	// accountMatch names the caller's account and delegates the decision to the policies of that account.
	accountMatch
	// roleMatch names the role of a session. A permissions boundary still limits the session.
	roleMatch
	// exactMatch names the session, the user, the service, or everyone. An implicit deny in other policies does not limit it.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
	exactMatch
)

// evaluate evaluates a policy. wantsPrincipal is true for a trust policy.
func evaluate(policy []statement, q request, wantsPrincipal bool) verdict {
	var v verdict
	for _, s := range policy {
		if !anyLike(s.Action, q.action, strings.ToLower) || !s.conditionsMet(q.context) {
			continue
		}
		closest := noMatch
		if wantsPrincipal {
			if closest = s.Principal.match(q.callers); closest == noMatch {
				continue
			}
		} else if !anyLike(s.Resource, q.resource, nil) {
			continue
		}
		if s.Effect == "Deny" {
			v.denied = true
			continue
		}
		v.allowed = true
		v.match = max(v.match, closest)
	}
	return v
}

// match returns how specifically the principals name the caller.
func (p principals) match(callers map[string][]string) (closest match) {
	if p.everyone {
		return exactMatch
	}
	for kind, names := range p.of {
		for _, name := range names {
			account := accountNamed(name)
			for _, caller := range callers[kind] {
				switch {
				case kind == "AWS" && account != "" && accountNamed(caller) == account:
					closest = max(closest, accountMatch)
				case name == caller && (strings.Contains(name, ":role/") || strings.HasPrefix(name, "AROA")):
					closest = max(closest, roleMatch)
				case name == caller && account == "", kind == "AWS" && name == "*":
					closest = exactMatch
				}
			}
		}
	}
	return closest
}

// accountNamed returns the account in 111122223333 or arn:aws:iam::111122223333:root, else an empty string.
func accountNamed(name string) string {
	if parsed, err := parseARN(name); err == nil {
		if parsed.resource == "root" {
			return parsed.account
		}
		return ""
	}
	if len(name) == 12 && strings.Trim(name, "0123456789") == "" {
		return name
	}
	return ""
}

// conditionsMet reports whether all conditions are met. An unknown operator is never met.
func (s *statement) conditionsMet(have context) bool {
	for operator, keys := range s.Condition {
		for key, wanted := range keys {
			if !met(operator, wanted, key, have) {
				return false
			}
		}
	}
	return true
}

func met(operator string, wanted texts, key string, have context) bool {
	value, present := "", false
	for name, held := range have {
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html: condition keys are case-insensitive.
		if strings.EqualFold(name, key) {
			value, present = held, true
		}
	}
	operator, ifExists := strings.CutSuffix(operator, "IfExists")
	if operator == "Null" {
		return slices.Contains(wanted, fmt.Sprint(!present))
	}
	if !present {
		return ifExists || strings.HasPrefix(operator, "StringNot")
	}
	switch operator {
	case "StringEquals", "Bool", "ArnEquals":
		return slices.Contains(wanted, value)
	case "StringNotEquals":
		return !slices.Contains(wanted, value)
	case "StringLike", "ArnLike":
		return anyLike(wanted, value, nil)
	case "StringNotLike":
		return !anyLike(wanted, value, nil)
	}
	return false
}

// anyLike reports whether any pattern matches. The wildcards * and ? also match slashes.
func anyLike(patterns []string, value string, fold func(string) string) bool {
	plain := func(text string) string {
		if fold != nil {
			text = fold(text)
		}
		return strings.ReplaceAll(text, "/", "\x00")
	}
	return slices.ContainsFunc(patterns, func(pattern string) bool {
		pattern = strings.NewReplacer("[", `\[`, `\`, `\\`).Replace(plain(pattern))
		matched, err := path.Match(pattern, plain(value))
		return err == nil && matched
	})
}

// mayAssume returns nil if the caller may assume the role, else the error.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func (w *state) mayAssume(caller principal, target *role, action string, have context) *refusal {
	refused := func(why string) *refusal {
		return &refusal{403, "AccessDenied", fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s%s", caller.arn, action, target.ARN, why)}
	}
	of, _ := parseARN(target.ARN)
	q := request{
		action:   action,
		resource: target.ARN,
		callers:  map[string][]string{"AWS": callerNames(caller)},
		context:  have,
	}
	policy, boundary := w.policiesOf(caller)
	trust := evaluate(target.Trust, q, true)
	own := evaluate(policy, q, false)
	limit := verdict{allowed: true}
	if boundary != nil {
		limit = evaluate(boundary, q, false)
	}
	sameAccount := of.account == caller.arn.account
	switch {
	case own.denied:
		return refused(" with an explicit deny in an identity-based policy")
	case trust.denied:
		return refused(" with an explicit deny in a resource-based policy")
	case limit.denied:
		return refused(" with an explicit deny in a permissions boundary")
	case !trust.allowed:
		return refused("")
	case sameAccount && trust.match > accountMatch:
		// The trust policy is sufficient. An implicit deny in a boundary applies only if the trust names the role.
		if !limit.allowed && trust.match == roleMatch {
			return refused(" because no permissions boundary allows the " + action + " action")
		}
		return nil
	case !own.allowed:
		return refused("")
	case !limit.allowed:
		return refused(" because no permissions boundary allows the " + action + " action")
	}
	return nil
}

// callerNames returns the names by which a trust policy may refer to the caller.
func callerNames(caller principal) []string {
	root := caller.arn
	root.service, root.resource = "iam", "root"
	id, _, _ := strings.Cut(caller.userID, ":")
	names := []string{caller.arn.String(), root.String(), id}
	if caller.role != "" {
		names = append(names, caller.role)
	}
	return names
}

func (w *state) policiesOf(caller principal) (policy, boundary []statement) {
	if r := w.role(caller.role); r != nil {
		return r.Policy, r.Boundary
	}
	if u := w.user(caller.arn.String()); u != nil {
		return u.Policy, u.Boundary
	}
	return nil, nil
}

// trusts reports whether the role's trust policy allows an AWS service or a web identity to assume it.
func (r *role) trusts(kind, name, action string, have context) bool {
	v := evaluate(r.Trust, request{
		action:   action,
		resource: r.ARN,
		callers:  map[string][]string{kind: {name}},
		context:  have,
	}, true)
	return v.allowed && !v.denied
}
