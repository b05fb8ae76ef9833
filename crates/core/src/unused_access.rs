//! Which of the principals that can sign in did not for some time.
//!
//! A principal is unused only if something proves it: a log without gaps, or IAM. Everything else is unknown.

use std::collections::BTreeMap;
use std::fmt;

use jiff::Timestamp;

use crate::arn::Parts;
use crate::authenticator::{MappedBy, MappedPrincipal, MappedPrincipals};
use crate::facts::iam_inventory::RoleUse;
use crate::sign_in_log::{SignInLog, SignIns};

/// What is known about sign-ins.
#[derive(Debug)]
pub struct UsageEvidence {
    pub log: SignInLog,
    /// Why the log does not prove the absence of a sign-in; `None` if only its gaps decide.
    pub log_doubt: Option<String>,
    /// When the history of aws-auth last recorded that a principal gained access, by its name in aws-auth. A principal that could not
    /// sign in during the whole period is not unused.
    pub granted: BTreeMap<String, Timestamp>,
    /// The account whose roles IAM was asked for.
    pub account: String,
    /// The roles of this account by name, as far as IAM was asked; `None` for those that do not exist.
    pub roles: BTreeMap<String, Option<RoleUse>>,
}

/// A principal that can sign in, and whether it did.
#[derive(Debug)]
pub struct PrincipalUsage<'a> {
    pub principal: &'a MappedPrincipal<'a>,
    pub usage: Usage,
    /// The sign-ins of an earlier role of the same name, which IAM has since deleted.
    pub earlier_role: Option<SignIns>,
}

/// The use of an account that aws-auth maps.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountUse {
    pub account: String,
    /// The ARNs that signed in during the period and that nothing else maps, with their sign-ins.
    pub principals: Vec<(String, SignIns)>,
    /// Why others may have signed in; `None` if it is proven that none did.
    pub doubt: Option<String>,
}

/// Whether a principal signed in during the period.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Usage {
    Used(SignIns),
    Unused(Proof),
    Unknown(String),
}

/// What proves that a principal did not sign in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Proof {
    /// The log has no gaps, and no sign-in of the principal.
    Log,
    /// The role was last used before the period, in any service of AWS; `None` if never in the 400 days that IAM remembers:
    /// <https://docs.aws.amazon.com/IAM/latest/APIReference/API_RoleLastUsed.html>
    RoleLastUsed(Option<Timestamp>),
    /// The role does not exist.
    NoSuchRole,
}

impl fmt::Display for Proof {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Log => f.write_str("no sign-in in the log"),
            Self::RoleLastUsed(Some(last)) => {
                write!(f, "IAM last saw the role on {}", last.strftime("%Y-%m-%d"))
            }
            Self::RoleLastUsed(None) => f.write_str("IAM never saw the role used in 400 days"),
            Self::NoSuchRole => f.write_str("the role does not exist"),
        }
    }
}

/// Returns the usage of every principal that can sign in, in their order.
pub fn usage<'a>(
    principals: &'a MappedPrincipals<'a>,
    evidence: &UsageEvidence,
) -> Vec<PrincipalUsage<'a>> {
    let mut all: Vec<PrincipalUsage<'a>> = principals
        .all()
        .iter()
        .map(|principal| evidence.usage_of(principal, principals))
        .collect();
    // Whether the log of EKS has sign-ins through access entries is not documented: one of them shows that it does.
    let by_entry =
        |usage: &PrincipalUsage<'_>| matches!(usage.principal.by, MappedBy::AccessEntry(_));
    let mut used = all
        .iter()
        .filter(|usage| matches!(usage.usage, Usage::Used(_)));
    if !used.any(by_entry) {
        for usage in all.iter_mut().filter(|usage| by_entry(usage)) {
            if usage.usage == Usage::Unused(Proof::Log) {
                usage.usage = Usage::Unknown(
                    "the log has no sign-in through any access entry, so perhaps it does not record them"
                        .to_owned(),
                );
            }
        }
    }
    all
}

impl UsageEvidence {
    /// Returns the use of every account that aws-auth maps.
    pub fn account_use(&self, principals: &MappedPrincipals<'_>) -> Vec<AccountUse> {
        let accounts = principals.all().iter();
        let accounts = accounts.filter_map(|one| Some((one, one.whole_account()?)));
        let account_use = |(mapping, account): (&MappedPrincipal<'_>, &str)| AccountUse {
            account: account.to_owned(),
            principals: self
                .arns_of(account, principals)
                .filter_map(|arn| {
                    let sign_ins = self.log.of(arn).map(|(_, sign_ins)| sign_ins);
                    Some((arn.to_owned(), sign_ins.reduce(SignIns::and)?))
                })
                .collect(),
            doubt: match self.absence(mapping, None) {
                Usage::Unknown(doubt) => Some(doubt),
                Usage::Used(_) | Usage::Unused(_) => None,
            },
        };
        accounts.map(account_use).collect()
    }

    /// Returns the ARNs in the log that only the mapping of their account maps.
    fn arns_of<'a>(
        &'a self,
        account: &'a str,
        principals: &'a MappedPrincipals<'_>,
    ) -> impl Iterator<Item = &'a str> {
        self.log.arns().filter(move |arn| {
            Parts::of(arn).is_some_and(|parts| parts.account == account)
                && principals.depends_on_account(arn)
        })
    }

    fn usage_of<'a>(
        &self,
        principal: &'a MappedPrincipal<'a>,
        principals: &MappedPrincipals<'_>,
    ) -> PrincipalUsage<'a> {
        let role = self.role(principal.name());
        let current = role
            .and_then(Option::as_ref)
            .map(|role| role.unique_id.as_str());
        let is_current = |id: Option<&str>| id.is_none() || current.is_none() || id == current;
        let (mut used, mut earlier_role) = (None, None);
        for (id, sign_ins) in self.sign_ins(principal, principals) {
            let seen = if is_current(id) {
                &mut used
            } else {
                &mut earlier_role
            };
            *seen = Some(seen.map_or(sign_ins, |seen: SignIns| seen.and(sign_ins)));
        }
        PrincipalUsage {
            principal,
            usage: used.map_or_else(|| self.absence(principal, role), Usage::Used),
            earlier_role,
        }
    }

    /// Returns the sign-ins of a principal, or of all those that only the mapping of their account maps.
    fn sign_ins(
        &self,
        principal: &MappedPrincipal<'_>,
        principals: &MappedPrincipals<'_>,
    ) -> Vec<(Option<&str>, SignIns)> {
        let Some(account) = principal.whole_account() else {
            return self.log.of(principal.name()).collect();
        };
        let of_account = self.arns_of(account, principals);
        of_account.flat_map(|arn| self.log.of(arn)).collect()
    }

    /// Returns what IAM knows about a role; `None` if it was not asked.
    fn role(&self, arn: &str) -> Option<&Option<RoleUse>> {
        let parts = Parts::of(arn).filter(|parts| parts.is("iam", "role"))?;
        (parts.account == self.account).then(|| self.roles.get(parts.name))?
    }

    /// Returns what is known about a principal without a sign-in.
    fn absence(&self, principal: &MappedPrincipal<'_>, role: Option<&Option<RoleUse>>) -> Usage {
        let usage = self.proof_of_absence(role);
        match (usage, self.granted_at(principal)) {
            (Usage::Unused(Proof::Log | Proof::RoleLastUsed(_)), Some(at)) => Usage::Unknown(
                format!("it has had access only since {}", at.strftime("%Y-%m-%d")),
            ),
            (usage, _) => usage,
        }
    }

    /// Returns when a principal got its access, if that was during the period.
    fn granted_at(&self, principal: &MappedPrincipal<'_>) -> Option<Timestamp> {
        let at = match principal.by {
            MappedBy::AwsAuth(_) => self.granted.get(principal.name()).copied(),
            MappedBy::AccessEntry(entry) => entry.terms.as_ref()?.created_at,
        };
        at.filter(|at| *at > self.log.since())
    }

    fn proof_of_absence(&self, role: Option<&Option<RoleUse>>) -> Usage {
        match role {
            Some(None) => return Usage::Unused(Proof::NoSuchRole),
            Some(Some(role)) if role.last_used_at.is_none_or(|last| last < self.log.since()) => {
                return Usage::Unused(Proof::RoleLastUsed(role.last_used_at));
            }
            _ => {}
        }
        if let Some(doubt) = &self.log_doubt {
            return Usage::Unknown(doubt.clone());
        }
        // A period of less than a day has no whole day that could be silent.
        if self.log.arns().next().is_none() {
            return Usage::Unknown("the log has no sign-in of anyone in the period".to_owned());
        }
        match self.log.silent_days().as_slice() {
            [] => Usage::Unused(Proof::Log),
            [day] => Usage::Unknown(format!(
                "the log has no sign-in in the 24 hours after {day}"
            )),
            days => Usage::Unknown(format!(
                "the log has no sign-in on {} days, such as the 24 hours after {}",
                days.len(),
                days[0]
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::authenticator::{AccessEntries, Store};
    use crate::document::Document;
    use crate::facts::access_entries::{AccessEntry, AccessTerms};
    use crate::facts::authentication_mode::AuthenticationMode;
    use jiff::SignedDuration;

    const A: &str = "arn:aws:iam::111122223333";

    fn log(days: &[u8], lines: &[(&str, &str)]) -> SignInLog {
        let mut log = SignInLog::new(
            "2026-10-01T00:00:00Z".parse().unwrap(),
            "2026-10-04T00:00:00Z".parse().unwrap(),
        );
        for day in days {
            for (name, id) in [("role/node", "AROANODE")].iter().chain(lines) {
                log.add_line(&format!(
                    r#"time="2026-10-0{day}T10:00:00Z" msg="access granted" arn="{A}:{name}" uid="a:1:{id}""#
                ));
            }
        }
        log
    }

    /// Returns `NAME: USAGE` for the mapped roles node, ci and old, the account, and the access entry of role entry.
    fn shown(
        log: &SignInLog,
        doubt: Option<&str>,
        roles: &[(&str, Option<RoleUse>)],
    ) -> Vec<String> {
        let role = |name| format!("- {{rolearn: '{A}:role/{name}', username: {name}}}\n");
        let data = [
            ("mapRoles", ["node", "ci", "old"].map(role).concat()),
            ("mapAccounts", "- '111122223333'\n".to_owned()),
        ];
        let data = data.map(|(key, text)| (key.to_owned(), text));
        let document = Document::read(&data.into_iter().collect());
        let store = Store::new(&document);
        let entries = AccessEntries::new(
            AuthenticationMode::ApiAndConfigMap,
            Some(vec![AccessEntry {
                principal_arn: format!("{A}:role/team/entry"),
                terms: Some(AccessTerms::default()),
            }]),
        );
        let principals = MappedPrincipals::of(&store, Some(&entries));
        let roles = roles
            .iter()
            .map(|(name, role)| ((*name).to_owned(), role.clone()));
        let evidence = UsageEvidence {
            log: log.clone(),
            log_doubt: doubt.map(str::to_owned),
            granted: BTreeMap::new(),
            account: "111122223333".to_owned(),
            roles: roles.collect(),
        };
        let show = |one: &PrincipalUsage<'_>| {
            let name = one.principal.name().rsplit('/').next().unwrap_or_default();
            let usage = match &one.usage {
                Usage::Used(sign_ins) => format!("used {}", sign_ins.count),
                Usage::Unused(proof) => format!("{proof:?}"),
                Usage::Unknown(why) => why.clone(),
            };
            let earlier = one.earlier_role.map_or("", |_| " earlier");
            format!("{name}: {usage}{earlier}")
        };
        usage(&principals, &evidence).iter().map(show).collect()
    }

    fn role(unique_id: &str, last_used: Option<&str>) -> Option<RoleUse> {
        Some(RoleUse {
            unique_id: unique_id.to_owned(),
            last_used_at: last_used.map(|text| text.parse().unwrap()),
        })
    }

    #[test]
    fn complete_log_proves_who_did_not_sign_in() {
        let log = log(
            &[1, 2, 3],
            &[
                ("role/ci", "AROACI"),
                ("user/bob", "AIDABOB"),
                ("role/entry", "AROAENTRY"),
            ],
        );
        assert_eq!(
            shown(&log, None, &[]),
            [
                "node: used 3",
                "ci: used 3",
                "old: Log",
                "111122223333: used 3",
                "entry: used 3"
            ]
        );
    }

    #[test]
    fn gap_or_doubt_leaves_the_rest_unknown() {
        let gap = "the log has no sign-in in the 24 hours after 2026-10-02T00:00:00Z";
        for (days, doubt, why) in [
            (&[1, 3][..], None, gap),
            (&[1, 2, 3], Some("it is disabled"), "it is disabled"),
        ] {
            let shown = shown(&log(days, &[]), doubt, &[]);
            assert_eq!(shown[0], format!("node: used {}", days.len()));
            for (name, usage) in ["ci", "old", "111122223333", "entry"]
                .iter()
                .zip(&shown[1..])
            {
                assert_eq!(usage, &format!("{name}: {why}"));
            }
        }
    }

    #[test]
    fn access_that_is_younger_than_the_period_is_not_unused() {
        let data = [(
            "mapRoles",
            format!("- {{rolearn: '{A}:role/ci', username: ci}}\n"),
        )];
        let data = data.map(|(key, text)| (key.to_owned(), text));
        let document = Document::read(&data.into_iter().collect());
        let store = Store::new(&document);
        let entry = |name: &str, day: u8| AccessEntry {
            principal_arn: format!("{A}:role/{name}"),
            terms: Some(AccessTerms {
                created_at: Some(format!("2026-10-0{day}T00:00:00Z").parse().unwrap()),
                ..AccessTerms::default()
            }),
        };
        let mut old = entry("old", 1);
        old.terms.as_mut().unwrap().created_at = Some(Timestamp::UNIX_EPOCH);
        let entries = AccessEntries::new(
            AuthenticationMode::ApiAndConfigMap,
            Some(vec![entry("new", 2), entry("gone", 2), old]),
        );
        let principals = MappedPrincipals::of(&store, Some(&entries));
        let evidence = |granted: &str| UsageEvidence {
            log: log(&[1, 2, 3], &[]),
            log_doubt: Some("it is disabled".to_owned()),
            granted: [(format!("{A}:role/ci"), granted.parse().unwrap())].into(),
            account: "111122223333".to_owned(),
            roles: [
                ("ci".to_owned(), role("AROACI", None)),
                ("new".to_owned(), role("AROANEW", None)),
                ("old".to_owned(), role("AROAOLD", None)),
                ("gone".to_owned(), None),
            ]
            .into(),
        };
        let usages = |granted| {
            let evidence = evidence(granted);
            let usages = usage(&principals, &evidence);
            usages.into_iter().map(|one| one.usage).collect::<Vec<_>>()
        };
        let unknown = Usage::Unknown("it has had access only since 2026-10-02".to_owned());
        let never = Usage::Unused(Proof::RoleLastUsed(None));
        let no_role = Usage::Unused(Proof::NoSuchRole);
        assert_eq!(
            usages("2026-10-02T08:00:00Z"),
            [
                unknown.clone(),
                unknown.clone(),
                no_role.clone(),
                never.clone()
            ]
        );
        assert_eq!(
            usages("2026-09-30T00:00:00Z"),
            [never.clone(), unknown, no_role, never]
        );
    }

    #[test]
    fn empty_log_proves_nothing_however_short_the_period_is() {
        let until: Timestamp = "2026-10-04T00:00:00Z".parse().unwrap();
        for hours in [1, 12, 80] {
            let log = SignInLog::new(until - SignedDuration::from_hours(hours), until);
            for one in shown(&log, None, &[]) {
                assert!(
                    one.ends_with(": the log has no sign-in of anyone in the period"),
                    "{hours} h: {one}"
                );
            }
        }
    }

    #[test]
    fn log_without_any_access_entry_proves_nothing_about_them() {
        let shown = shown(&log(&[1, 2, 3], &[]), None, &[]);
        assert_eq!(shown[1..3], ["ci: Log", "old: Log"]);
        assert_eq!(
            shown[4],
            "entry: the log has no sign-in through any access entry, so perhaps it does not record them"
        );
    }

    #[test]
    fn iam_proves_absence_and_tells_roles_of_the_same_name_apart() {
        let log = log(&[1], &[("role/ci", "AROAOLD")]);
        let before = "2026-09-30T00:00:00Z";
        let roles = [
            ("node", None),
            ("ci", role("AROANEW", Some(before))),
            ("old", role("AROAOLDER", None)),
            ("entry", role("AROAENTRY", Some("2026-10-02T00:00:00Z"))),
        ];
        let shown = shown(&log, Some("gone"), &roles);
        let last_used: Timestamp = before.parse().unwrap();
        assert_eq!(
            shown,
            [
                // The log decides before IAM, whose list of roles can be older.
                "node: used 1".to_owned(),
                format!("ci: RoleLastUsed(Some({last_used:?})) earlier"),
                "old: RoleLastUsed(None)".to_owned(),
                "111122223333: gone".to_owned(),
                "entry: gone".to_owned(),
            ]
        );
    }
}
