//! A report on a small cluster with both stores.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::*;
use crate::authenticator::AccessEntries;
use crate::facts::access_entries::{AccessEntry, AccessPolicy, AccessScope, AccessTerms};
use crate::facts::authentication_mode::AuthenticationMode;
use crate::lint::{Cluster, Selection, lint};
use crate::rbac::{Binding, Policy, Role, RoleKind, RoleRef, Rule, Rules, Subject, Unread};

const ROLES: &str = "\
- rolearn: arn:aws:iam::111122223333:role/ops
  username: admin
  groups: [system:masters]
- rolearn: arn:aws:iam::111122223333:role/dev
  username: 'dev:{{SessionName}}'
  groups: [devs]
- rolearn: arn:aws:iam::111122223333:role/moved
  username: moved
  groups: [system:masters]
- rolearn: arn:aws:iam::111122223333:role/nodes
  username: system:node:{{EC2PrivateDNSName}}
  groups: [system:bootstrappers, system:nodes]
- rolearn: arn:aws:iam::111122223333:role/path/never
  username: never
  groups: [system:masters]
";

fn binding(namespace: Option<&str>, name: &str, role: &str, subject: Subject) -> Binding {
    Binding {
        namespace: namespace.map(str::to_owned),
        name: name.to_owned(),
        role: RoleRef {
            kind: RoleKind::ClusterRole,
            name: role.to_owned(),
        },
        subjects: vec![subject],
    }
}

fn role(name: &str, verbs: &[&str]) -> (Role, Rules) {
    let all = || vec!["*".to_owned()];
    let rule = Rule {
        verbs: verbs.iter().map(|&verb| verb.to_owned()).collect(),
        api_groups: all(),
        resources: all(),
        ..Rule::default()
    };
    let key = Role {
        namespace: None,
        name: name.to_owned(),
    };
    (key, Rules::Known(vec![rule]))
}

fn facts() -> Facts {
    let group = |name: &str| Subject::Group(name.to_owned());
    let user = |name: &str| Subject::User(name.to_owned());
    let entry = |name: &str, policies: Vec<AccessPolicy>| AccessEntry {
        principal_arn: format!("arn:aws:iam::111122223333:role/team/{name}"),
        terms: Some(AccessTerms {
            policies: Some(policies),
            ..AccessTerms::default()
        }),
    };
    let policy = |name: &str, scope| AccessPolicy {
        arn: format!("arn:aws:eks::aws:cluster-access-policy/{name}"),
        scope,
    };
    let shop = || AccessScope::Namespaces(vec!["shop-*".to_owned()]);
    let entries = vec![
        entry("moved", vec![policy("AmazonEKSEditPolicy", shop())]),
        entry(
            "gone",
            vec![policy("AmazonEKSClusterAdminPolicy", AccessScope::Cluster)],
        ),
    ];
    Facts {
        rbac: Some(Policy {
            bindings: vec![
                binding(Some("shop"), "devs", "edit", group("devs")),
                binding(Some("pay"), "devs", "edit", group("devs")),
                binding(None, "devs-view", "view", group("devs")),
                binding(None, "jane", "cluster-admin", user("dev:jane")),
                binding(None, "john", "cluster-admin", user("john")),
            ],
            roles: BTreeMap::from([
                role("edit", &["get", "create"]),
                role("view", &["get", "list"]),
                role("cluster-admin", &["*"]),
            ]),
            unread: vec![Unread {
                resource: "roles".to_owned(),
                is_one: false,
                permission: None,
                why: "denied".to_owned(),
            }],
        }),
        access_entries: Some(Arc::new(AccessEntries::new(
            AuthenticationMode::ApiAndConfigMap,
            Some(entries),
        ))),
        cluster: Some(Cluster {
            principals: Some(crate::facts::iam_inventory::Principals {
                account: "111122223333".to_owned(),
                roles: crate::facts::iam_inventory::Listed::some(Vec::new(), ["gone".to_owned()]),
                ..Default::default()
            }),
            ..Cluster::default()
        }),
        ..Facts::default()
    }
}

fn report() -> AccessReport {
    let data = BTreeMap::from([("mapRoles".to_owned(), Arc::<str>::from(ROLES))]);
    let document = Document::read(&data);
    let facts = facts();
    let linted = lint(&data, &document, &facts, &Selection::default());
    AccessReport::new(&document, &facts, &linted, None, Head::default())
}

fn line(one: &PrincipalAccess) -> String {
    let rights = one.rights.iter().map(|right| {
        let namespaces = right.namespaces.as_ref().map(|names| names.join("+"));
        let some = if right.for_some_sessions { "?" } else { "" };
        format!(
            "{} {}{some} by {}",
            right.level.name(),
            namespaces.unwrap_or_else(|| "*".to_owned()),
            right.by
        )
    });
    let name = one.principal.rsplit('/').next().unwrap();
    let dead = if one.is_dead { " dead" } else { "" };
    format!(
        "{name}{dead} {}: {}",
        one.level.name(),
        rights.collect::<Vec<_>>().join(", ")
    )
}

#[test]
fn every_principal_in_effect_has_its_rights() {
    let report = report();
    let lines: Vec<_> = report.principals.iter().map(line).collect();
    assert_eq!(
        lines,
        [
            "ops admin: admin * by group system:masters",
            "gone dead admin: admin * by policy AmazonEKSClusterAdminPolicy",
            "dev write: admin *? by user dev:jane, write pay+shop by group devs, read * by group devs",
            "moved write: write shop-* by policy AmazonEKSEditPolicy",
            "nodes node: node * by group system:nodes",
        ]
    );
    assert_eq!(
        report.at(Level::Admin).count(),
        1,
        "a dead entry gives access to no principal"
    );
    assert_eq!(
        report.namespaces().into_iter().collect::<Vec<_>>(),
        ["pay", "shop", "shop-*"]
    );
    assert_eq!(report.head.not_read[0], "roles (denied)");
}

#[test]
fn many_bindings_of_a_namespace_are_summarized() {
    let flood = |name: &str, subject: &dyn Fn(usize) -> Subject| Binding {
        subjects: (0..10_000).map(subject).collect(),
        ..binding(Some("shop"), name, "view", subject(0))
    };
    let mut facts = facts();
    let rbac = facts.rbac.as_mut().unwrap();
    rbac.bindings.extend([
        flood("names", &|number| Subject::User(format!("dev:x{number}"))),
        flood("hosts", &|number| {
            Subject::User(format!("system:node:ip-{number}.ec2.internal"))
        }),
    ]);
    for number in 0..1_000 {
        let name = format!("each-{number}");
        let (user, group) = (format!("dev:y{number}"), "devs".to_owned());
        let all = [Subject::User(user), Subject::Group(group)];
        rbac.bindings
            .extend(all.map(|subject| binding(Some("shop"), &name, &name, subject)));
    }
    let data = BTreeMap::from([("mapRoles".to_owned(), Arc::<str>::from(ROLES))]);
    let document = Document::read(&data);
    let report = AccessReport::new(
        &document,
        &facts,
        &lint::Report::default(),
        None,
        Head::default(),
    );
    for name in ["dev", "nodes"] {
        let mut principals = report.principals.iter();
        let one = principals
            .find(|one| one.principal.ends_with(name))
            .unwrap();
        assert!(
            one.rights.len() < 10,
            "{name} has {} permissions",
            one.rights.len()
        );
        let mut rights = one.rights.iter().filter(|right| right.for_some_sessions);
        let summarized = rights.find(|right| right.level == Level::Read).unwrap();
        assert!(summarized.by.ends_with(" and others"), "{summarized:?}");
        assert_eq!(
            summarized.namespaces.as_deref(),
            Some(&["shop".to_owned()][..])
        );
    }
}

#[test]
fn rights_count_in_their_namespaces() {
    let report = report();
    let dev = &report.principals[2];
    let levels = ["shop", "shop-*", "other"].map(|namespace| dev.level_in(namespace));
    assert_eq!(levels, [Level::Write, Level::Read, Level::Read]);
    assert_eq!(dev.level_in_cluster(), Level::Read);
}

#[test]
fn report_survives_json_and_differs_only_in_access() {
    let old = report();
    let text = serde_json::to_string(&old).unwrap();
    let mut new: AccessReport = serde_json::from_str(&text).unwrap();
    assert_eq!(new, old);
    assert!(Difference::between(&old, &new).is_same());
    for one in &mut new.principals {
        if let Source::AwsAuth { line, .. } = &mut one.source {
            *line += 1;
        }
    }
    assert!(Difference::between(&old, &new).is_same(), "lines moved");

    new.principals.remove(0);
    new.principals[1].groups.push("more".to_owned());
    new.principals[2].principal = "arn:aws:iam::111122223333:role/new".to_owned();
    let difference = Difference::between(&old, &new);
    let words = difference
        .changes
        .iter()
        .map(|change| match &change.change {
            Change::Added(now) => format!("+ {}", line(now)),
            Change::Removed(then) => format!("- {}", line(then)),
            Change::Changed { after, .. } => format!("~ {}", line(after)),
        });
    let words: Vec<_> = words.map(|word| word[..8].to_owned()).collect();
    assert_eq!(words, ["~ dev wr", "+ new wr", "- ops ad", "- moved "]);
}

#[test]
fn fleets_differ_by_cluster_and_unread_clusters_are_not_the_same() {
    let cluster = |name: &str, report: Result<AccessReport, &str>| ClusterReport {
        cluster: name.to_owned(),
        error: report.as_ref().err().map(|&why| why.to_owned()),
        report: report.ok(),
    };
    let mut changed = report();
    changed.principals.remove(0);
    let old = FleetReport {
        clusters: vec![
            cluster("dev", Ok(report())),
            cluster("prod", Ok(report())),
            cluster("gone", Ok(report())),
            cluster("down", Err("no route")),
            cluster("fails", Ok(report())),
        ],
    };
    let text = serde_json::to_string(&old).unwrap();
    let same: FleetReport = serde_json::from_str(&text).unwrap();
    assert_eq!(same, old);
    let new = FleetReport {
        clusters: vec![
            cluster("prod", Ok(changed)),
            cluster("dev", Ok(report())),
            cluster("new", Ok(report())),
            cluster("down", Ok(report())),
            cluster("fails", Err("no time")),
        ],
    };
    let difference = Difference::between_fleets(&old, &new);
    let [change] = difference.changes.as_slice() else {
        panic!("{difference:?}")
    };
    assert_eq!(change.cluster, Some("prod"));
    assert!(matches!(change.change, Change::Removed(_)), "{change:?}");
    let not_compared = difference.not_compared.iter();
    let not_compared: Vec<_> = not_compared
        .map(|one| (one.cluster, &one.why[..]))
        .collect();
    assert_eq!(
        not_compared,
        [
            ("new", "the earlier report does not have this cluster"),
            ("down", "the earlier report could not read it: no route"),
            ("fails", "the later report could not read it: no time"),
            ("gone", "the later report does not have this cluster"),
        ]
    );
    let unread = FleetReport {
        clusters: vec![cluster("down", Err("no route"))],
    };
    assert!(!Difference::between_fleets(&unread, &unread).is_same());
}

#[test]
fn without_rbac_rights_are_unknown() {
    let data = BTreeMap::from([("mapRoles".to_owned(), Arc::<str>::from(ROLES))]);
    let document = Document::read(&data);
    let facts = Facts::default();
    let linted = lint(&data, &document, &facts, &Selection::default());
    let report = AccessReport::new(&document, &facts, &linted, None, Head::default());
    let levels: Vec<_> = report.principals.iter().map(line).collect();
    assert_eq!(
        levels[2], "nodes node: node * by group system:nodes",
        "{levels:?}"
    );
    assert_eq!(levels[3], "dev unknown: unknown * by user and groups");
    assert!(report.head.not_read[0].starts_with("RBAC"));
}

#[test]
fn without_bindings_no_principal_is_without_rights() {
    let data = BTreeMap::from([("mapRoles".to_owned(), Arc::<str>::from(ROLES))]);
    let document = Document::read(&data);
    let mut facts = facts();
    let policy = facts.rbac.as_mut().unwrap();
    policy.bindings.clear();
    policy.unread.push(Unread {
        resource: "rolebindings".to_owned(),
        is_one: false,
        permission: None,
        why: "no".to_owned(),
    });
    let linted = lint(&data, &document, &facts, &Selection::default());
    let report = AccessReport::new(&document, &facts, &linted, None, Head::default());
    let lines: Vec<_> = report.principals.iter().map(line).collect();
    assert_eq!(
        lines[lines.len() - 1],
        "dev unknown: unknown * by user and groups",
        "{lines:?}"
    );
    assert_eq!(lines[0], "ops admin: admin * by group system:masters");
}

#[test]
fn what_is_outside_of_aws_auth_and_iam_denied_is_not_read() {
    let data = BTreeMap::from([("mapRoles".to_owned(), Arc::<str>::from(ROLES))]);
    let document = Document::read(&data);
    let gaps = |mode, why: &[&str]| {
        let mut facts = facts();
        facts.access_entries = Some(Arc::new(AccessEntries::new(mode, Some(Vec::new()))));
        let cluster = facts.cluster.as_mut().unwrap();
        cluster.unavailable_principals = why.iter().map(|why| (*why).to_owned()).collect();
        let linted = lint(&data, &document, &facts, &Selection::default());
        let report = AccessReport::new(&document, &facts, &linted, None, Head::default());
        report.head.not_read.join("\n")
    };
    let creator = "the IAM identity that created the cluster";
    let denied = ["iam:GetUser: AccessDenied"];
    let all = gaps(AuthenticationMode::ConfigMap, &denied);
    assert!(all.contains(creator), "{all}");
    assert!(
        all.contains("whether every principal exists in IAM (iam:GetUser: AccessDenied)"),
        "{all}"
    );
    let none = gaps(AuthenticationMode::ApiAndConfigMap, &[]);
    assert!(
        !none.contains(creator) && !none.contains("in IAM"),
        "{none}"
    );
}

/// Without its fix, this takes minutes.
#[test]
fn rules_of_a_role_with_many_bindings_are_read_once() {
    let roles = (0..20).map(|at| {
        format!("- {{rolearn: 'arn:aws:iam::111122223333:role/r{at}', groups: [devs]}}\n")
    });
    let data = BTreeMap::from([(
        "mapRoles".to_owned(),
        Arc::<str>::from(roles.collect::<String>()),
    )]);
    let document = Document::read(&data);
    let group = || Subject::Group("devs".to_owned());
    let bindings = (0..10_000).map(|at| binding(Some("a"), &at.to_string(), "long", group()));
    let (long, Rules::Known(rule)) = role("long", &["get"]) else {
        unreachable!("the rules are known");
    };
    let facts = Facts {
        rbac: Some(Policy {
            bindings: bindings.collect(),
            roles: BTreeMap::from([(long, Rules::Known(vec![rule[0].clone(); 20_000]))]),
            unread: Vec::new(),
        }),
        ..Facts::default()
    };
    let linted = lint(&data, &document, &Facts::default(), &Selection::default());
    let report = AccessReport::new(&document, &facts, &linted, None, Head::default());
    assert_eq!(report.principals.len(), 20);
    for one in &report.principals {
        let [right] = one.rights.as_slice() else {
            panic!("{:?}", one.rights);
        };
        assert_eq!(right.level, Level::Read);
    }
}
