package main

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// statement is one of an IAM policy.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements.html
type statement struct {
	Sid       string                      `json:"Sid,omitempty"`
	Effect    string                      `json:"Effect"`
	Principal principals                  `json:"Principal,omitzero"`
	Action    texts                       `json:"Action"`
	Resource  texts                       `json:"Resource,omitempty"`
	Condition map[string]map[string]texts `json:"Condition,omitempty"`
}

// principals is "*", or kinds such as AWS, Service and Federated with their names.
type principals struct {
	anybody bool
	of      map[string]texts
}

func (p *principals) UnmarshalJSON(bytes []byte) error {
	if string(bytes) == `"*"` {
		p.anybody = true
		return nil
	}
	return json.Unmarshal(bytes, &p.of)
}

func (p principals) MarshalJSON() ([]byte, error) {
	if p.anybody {
		return []byte(`"*"`), nil
	}
	return json.Marshal(p.of)
}

// one or many texts, as IAM policies have them.
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

// context holds the condition keys of a request.
type context map[string]string

// question is what a policy is asked. Whoever asks is named in callers, by kind.
type question struct {
	action   string
	resource string
	// callers are the names that a Principal may use: kind → names.
	callers map[string][]string
	context context
}

// verdict of one policy.
type verdict struct {
	denied bool
	// allowed says that a statement allows it, and reach how closely it names the caller.
	allowed bool
	reach   reach
}

// reach is how closely a Principal names a caller. The later, the closer.
type reach int

const (
	// nobody is named.
	nobody reach = iota
	// wholeAccount leaves it to the policies of the account.
	wholeAccount
	// itsRole is the role of a session, whose boundary still limits it.
	itsRole
	// itself is a session, a user, a service, or everybody: what other policies leave out does not limit it.
	// https://docs.aws.amazon.com/IAM/latest/UserGuide/access_policies_boundaries.html
	itself
)

// judge goes through a policy. wantsPrincipal is true for a role's trust.
func judge(policy []statement, q question, wantsPrincipal bool) verdict {
	var v verdict
	for _, s := range policy {
		if !anyLike(s.Action, q.action, strings.ToLower) || !s.holds(q.context) {
			continue
		}
		closest := nobody
		if wantsPrincipal {
			if closest = s.Principal.match(q.callers); closest == nobody {
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
		v.reach = max(v.reach, closest)
	}
	return v
}

// match says how closely the principals name the caller.
func (p principals) match(callers map[string][]string) (closest reach) {
	if p.anybody {
		return itself
	}
	for kind, names := range p.of {
		for _, name := range names {
			account := accountNamed(name)
			for _, caller := range callers[kind] {
				switch {
				case kind == "AWS" && account != "" && accountNamed(caller) == account:
					closest = max(closest, wholeAccount)
				case name == caller && (strings.Contains(name, ":role/") || strings.HasPrefix(name, "AROA")):
					closest = max(closest, itsRole)
				case name == caller && account == "", kind == "AWS" && name == "*":
					closest = itself
				}
			}
		}
	}
	return closest
}

// accountNamed returns the account in 111122223333 or arn:aws:iam::111122223333:root.
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

// holds says whether all conditions are met. An operator that nobody taught it is never met.
func (s *statement) holds(have context) bool {
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
		// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition.html: not sensitive to case.
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

// anyLike compares with the wildcards * and ?, which a slash does not stop.
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

// maySession decides whether the caller may assume the role.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
func (w *world) mayAssume(caller principal, target *role, action string, have context) *refusal {
	refused := func(why string) *refusal {
		return &refusal{403, "AccessDenied", fmt.Sprintf("User: %s is not authorized to perform: %s on resource: %s%s", caller.arn, action, target.ARN, why)}
	}
	of, _ := parseARN(target.ARN)
	q := question{
		action:   action,
		resource: target.ARN,
		callers:  map[string][]string{"AWS": callerNames(caller)},
		context:  have,
	}
	policy, boundary := w.policiesOf(caller)
	trust := judge(target.Trust, q, true)
	own := judge(policy, q, false)
	limit := verdict{allowed: true}
	if boundary != nil {
		limit = judge(boundary, q, false)
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
	case sameAccount && trust.reach > wholeAccount:
		// The trust alone is enough, and only who is named by his role suffers from a boundary's silence.
		if !limit.allowed && trust.reach == itsRole {
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

// callerNames are what a trust policy may call the caller.
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

func (w *world) policiesOf(caller principal) (policy, boundary []statement) {
	if r := w.role(caller.role); r != nil {
		return r.Policy, r.Boundary
	}
	if u := w.user(caller.arn.String()); u != nil {
		return u.Policy, u.Boundary
	}
	return nil, nil
}

// trusts says whether a role lets an AWS service, or the bearer of a web identity, assume it.
func (r *role) trusts(kind, name, action string, have context) bool {
	v := judge(r.Trust, question{
		action:   action,
		resource: r.ARN,
		callers:  map[string][]string{kind: {name}},
		context:  have,
	}, true)
	return v.allowed && !v.denied
}
