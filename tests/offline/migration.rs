//! Plans of `migrate` on generated documents and clusters: for every identity, the access after the operations is the access
//! before, or the plan states otherwise.

mod cluster_state;
mod eksctl_defects;

use std::collections::{BTreeMap, BTreeSet};

use awsauth_core::access_entries::Operation;
use awsauth_core::access_entries::migrate::{
    Choices, ClusterFacts, Masters, MigrationInput, MigrationPlan, Unchecked, Verdict, plan,
};
use awsauth_core::arn::{Parts, can_match, canonical, is_same_principal};
use awsauth_core::authenticator::{AccessEntries, Question, explain};
use awsauth_core::document::{Document, Principal, SectionName};
use awsauth_core::facts::access_entries::{AccessEntry, AccessTerms};
use awsauth_core::facts::authentication_mode::AuthenticationMode;
use awsauth_core::facts::iam_inventory::{self, Listed, Principals};
use awsauth_core::facts::node_inventory::{FargateProfile, NodeGroup, NodeInventory};
use fastrand::Rng;
use serde_json::{Value, json};

use crate::support::generated_documents::Draw;
use crate::support::generated_identities::{self, Caller, Reach};
use cluster_state::ClusterState;

const CLUSTER: &str = "arn:aws:eks:eu-west-1:111122223333:cluster/prod";
const ACCOUNT: &str = "111122223333";
const SESSIONS: [&str; 5] = [
    "ann",
    "ann@example.com",
    "i-0123456789abcdef0",
    "a=b,c+d",
    "-",
];
const DNS_NAME: &str = "ip-10-0-0-1.eu-west-1.compute.internal";

const USERNAMES: [&str; 14] = [
    "dev",
    "dev:{{SessionName}}",
    "a:{{SessionNameRaw}}/{{SessionName}}",
    "arn:aws:sts::111122223333:assumed-role/Dev/{{SessionName}}",
    "ci-{{SessionName}}",
    "team:{{AccountID}}",
    "key:{{AccessKeyID}}",
    "system:node:{{EC2PrivateDNSName}}",
    "system:node:{{EC2PrivateDNSName}}",
    "system:node:{{SessionName}}",
    "eks:x",
    "{{Unknown}}",
    "",
    "x:{{EC2PrivateDNSName}}",
];

const GROUPS: [&[&str]; 12] = [
    &[],
    &["devs"],
    &["devs", "ops", "devs", ""],
    &["system:masters"],
    &["system:masters", "devs"],
    &["awsauth:cluster-admins"],
    &["system:authenticated", "view"],
    &["system:bootstrappers", "system:nodes"],
    &[
        "system:bootstrappers",
        "system:nodes",
        "eks:kube-proxy-windows",
    ],
    &[
        "system:bootstrappers",
        "system:nodes",
        "system:node-proxier",
    ],
    &["system:bootstrappers", "system:nodes", "system:masters"],
    &["team-{{AccountID}}", "g-{{SessionName}}"],
];

/// A generated cluster, and what the planner knows about it.
struct Case {
    document: Document,
    state: ClusterState,
    knows_cluster: bool,
    node_inventory: Option<NodeInventory>,
    principals: Option<Principals>,
    caller: Option<String>,
    choices: Choices,
    identities: Vec<String>,
}

impl Case {
    fn plan(&self) -> MigrationPlan<'_> {
        let entries = self.state.access_entries();
        let input = MigrationInput {
            document: &self.document,
            access_entries: self.knows_cluster.then_some(&entries),
            cluster: self.knows_cluster.then_some(ClusterFacts {
                arn: CLUSTER,
                version: None,
                platform_version: None,
            }),
            node_inventory: self.node_inventory.as_ref(),
            principals: self.principals.as_ref(),
            caller: self.caller.as_deref(),
            choices: &self.choices,
        };
        plan(&input).expect("choices of this document")
    }
}

#[test]
fn access_of_every_identity_stays_unless_the_plan_states_otherwise() {
    let mut seen = BTreeMap::new();
    for seed in 0..2000 {
        let case = draw(&mut Rng::with_seed(seed));
        check(&case, seed, &mut seen);
    }
    for (what, least) in [
        ("same", 400),
        ("other way", 150),
        ("changed", 40),
        ("accepted", 15),
        ("cannot", 600),
        ("already there", 25),
        ("conflict", 80),
        ("skipped", 40),
        ("not migrated", 300),
        ("nodes created", 50),
        ("last", 25),
        ("obstacle", 25),
    ] {
        let count = seen.get(what).copied().unwrap_or(0);
        assert!(count >= least, "{what}: {count} of {seen:?}");
    }
}

fn check(case: &Case, seed: u64, seen: &mut BTreeMap<&'static str, usize>) {
    let plan = case.plan();
    if !plan.obstacles.is_empty() {
        assert!(
            plan.operations.is_empty(),
            "seed {seed}: {:?}",
            plan.operations
        );
        *seen.entry("obstacle").or_insert(0) += 1;
        return;
    }
    let after = {
        let mut state = case.state.clone();
        // Each state on the way is that before or that after, for every identity.
        let last = case.state.after(&plan.operations);
        for operation in &plan.operations {
            let item = plan.items.iter().find(|item| {
                let arn = item
                    .entry
                    .as_ref()
                    .map(|entry| entry.principal_arn.as_str());
                arn.is_some() && arn == operation.principal_arn()
            });
            let needs_cluster = item.is_some_and(|item| {
                item.unchecked.contains(&Unchecked::NodeAccount)
                    || !item.name().to_lowercase().starts_with("arn:aws:")
            });
            if needs_cluster && !case.knows_cluster && state.clone().apply(operation).is_err() {
                // Nothing changes: aws-auth still decides.
                return;
            }
            state
                .apply(operation)
                .unwrap_or_else(|why| panic!("seed {seed}: EKS refuses {operation}: {why}"));
            for identity in &case.identities {
                let now = access(&case.document, &state, identity);
                let is_old = now == access(&case.document, &case.state, identity);
                let is_new = now == access(&case.document, &last, identity);
                let has_gap = plan.notes.iter().any(|note| {
                    note.contains("--masters group=NAME has no such gap")
                        && is_same_principal(note.split(' ').next().unwrap_or_default(), identity)
                });
                assert!(
                    is_old || is_new || has_gap,
                    "seed {seed}: {identity} after {operation}: {now:?}"
                );
            }
        }
        state
    };
    let mut in_api_mode = after.clone();
    in_api_mode.mode = AuthenticationMode::Api;
    for item in &plan.items {
        *seen.entry(verdict_name(&item.verdict)).or_insert(0) += 1;
        let kind = item.entry.as_ref().and_then(|entry| entry.terms.as_ref());
        if item.verdict.creates() && kind.is_some_and(AccessTerms::is_for_nodes) {
            *seen.entry("nodes created").or_insert(0) += 1;
        }
    }
    for identity in &case.identities {
        let before = access(&case.document, &case.state, identity);
        let now = access(&case.document, &after, identity);
        let item = plan.items.iter().find(|item| {
            !matches!(item.verdict, Verdict::NotMigrated { .. })
                && matches!(&item.mapping.principal, Principal::Role(arn) | Principal::User(arn) if is_same_principal(arn, identity))
        });
        let context =
            || format!("seed {seed}: {identity}: {item:?}\nbefore {before:?}\nafter {now:?}");
        let verdict = item.map(|item| &item.verdict);
        match verdict {
            Some(Verdict::Same) => assert_eq!(before, now, "{}", context()),
            Some(Verdict::SameRightsOtherWay { .. } | Verdict::AlreadyThere { .. }) => {
                assert_eq!(rights(&before), rights(&now), "{}", context());
            }
            Some(Verdict::Changed {
                is_accepted: true, ..
            }) => {}
            // aws-auth still decides, or an access entry did before.
            _ => assert_eq!(before, now, "{}", context()),
        }
        let then = access(&case.document, &in_api_mode, identity);
        if case.state.mode == AuthenticationMode::Api || before.is_empty() {
            continue;
        }
        match verdict {
            Some(
                Verdict::Cannot { .. } | Verdict::Changed { is_accepted: false, .. } | Verdict::Skipped,
            )
            // An account maps the identity, which is another item of the plan.
            | None => {}
            Some(_) => assert_eq!(now, then, "{}", context()),
        }
        if verdict.is_none() && now != then {
            let of_account = |principal: &Principal| match principal {
                Principal::Account(id) => {
                    Parts::of(identity).is_some_and(|parts| parts.account == id)
                }
                _ => false,
            };
            let mut items = plan.items.iter();
            assert!(
                items.any(|item| of_account(&item.mapping.principal)
                    && matches!(item.verdict, Verdict::Cannot { .. } | Verdict::Skipped))
                    // IAM does not know the principal, so no such identity exists.
                    || case.principals.is_some(),
                "{}",
                context()
            );
        }
    }
    order(case, &plan, seed, seen);
}

/// The binding of administrators is the first operation, and the caller's own entry the last.
fn order(
    case: &Case,
    plan: &MigrationPlan<'_>,
    seed: u64,
    seen: &mut BTreeMap<&'static str, usize>,
) {
    let operations = &plan.operations;
    let binding = |operation: &Operation| matches!(operation, Operation::BindClusterAdmin { .. });
    let at = operations.iter().position(binding);
    assert!(at.unwrap_or(0) == 0, "seed {seed}: {operations:?}");
    let Some(caller) = &case.caller else { return };
    let is_callers = |operation: &Operation| {
        let arn = operation.principal_arn();
        arn.is_some_and(|arn| is_same_principal(arn, caller))
    };
    if let Some(first) = operations.iter().position(is_callers) {
        assert!(
            operations[first..].iter().all(is_callers),
            "seed {seed}: {operations:?}"
        );
        *seen.entry("last").or_insert(0) += 1;
    }
}

fn verdict_name(verdict: &Verdict<'_>) -> &'static str {
    match verdict {
        Verdict::Same => "same",
        Verdict::SameRightsOtherWay { .. } => "other way",
        Verdict::Changed {
            is_accepted: true, ..
        } => "accepted",
        Verdict::Changed { .. } => "changed",
        Verdict::Cannot { .. } => "cannot",
        Verdict::NotMigrated { .. } => "not migrated",
        Verdict::AlreadyThere { .. } => "already there",
        Verdict::Unfinished { .. } => "unfinished",
        Verdict::Conflict { .. } => "conflict",
        Verdict::DeadEntry => "dead",
        Verdict::Skipped => "skipped",
    }
}

/// A username, groups and access policies.
type Access = BTreeSet<(String, BTreeSet<String>)>;

/// Returns the users that an identity may become; empty if it may not sign in. A policy is written like a group.
fn access(document: &Document, state: &ClusterState, identity: &str) -> Access {
    let entries = state.access_entries();
    let question = Question {
        arn: identity,
        access_key_id: Some("AKIAIOSFODNN7EXAMPLE"),
        private_dns_name: Some(DNS_NAME),
        access_entries: Some(&entries),
        ..Question::default()
    };
    let explanation = explain(document, &question).expect("the ARN of an identity");
    let by_entry = explanation
        .access_entry
        .as_ref()
        .map(|mapped| &mapped.entry);
    let policies = by_entry.and_then(|entry| entry.terms.as_ref());
    let policies = policies.map(AccessTerms::policies).unwrap_or_default();
    let users = explanation.users().map(|(user, missing)| {
        assert!(missing.is_empty(), "{missing:?}");
        let groups = user.groups.iter().cloned();
        let policies = policies.iter().map(|policy| policy.name().to_owned());
        let mut groups: BTreeSet<String> = groups.chain(policies).collect();
        // The API server adds the one, and RBAC has no subject without a name.
        groups.retain(|group| group != "system:authenticated" && !group.is_empty());
        // Permissions of the group count only with its binding.
        if groups.contains("awsauth:cluster-admins")
            && state.admin_groups.contains("awsauth:cluster-admins")
        {
            groups.insert("bound to cluster-admin".to_owned());
        }
        (user.username.clone(), groups)
    });
    users.collect()
}

/// Writes both replacements of `system:masters` as that group, and leaves out the group that nodes of EKS do not have.
fn rights(access: &Access) -> Access {
    let of_user = |(username, groups): &(String, BTreeSet<String>)| {
        let is_admin = [
            "system:masters",
            "AmazonEKSClusterAdminPolicy",
            "bound to cluster-admin",
        ]
        .iter()
        .any(|name| groups.contains(*name));
        let left_out = [
            "system:masters",
            "AmazonEKSClusterAdminPolicy",
            "bound to cluster-admin",
            "awsauth:cluster-admins",
            "system:bootstrappers",
        ];
        let groups = groups
            .iter()
            .filter(|group| !left_out.contains(&group.as_str()));
        let admin = is_admin.then(|| "system:masters".to_owned());
        (username.clone(), groups.cloned().chain(admin).collect())
    };
    access.iter().map(of_user).collect()
}

fn draw(rng: &mut Rng) -> Case {
    let callers: Vec<Caller> = (0..6)
        .map(|_| Caller::draw(rng, Reach::OneCluster))
        .collect();
    let data = match rng.one_in(3) {
        true => generated_identities::map(rng, &callers, &[]),
        false => map(rng, &callers),
    };
    let document = Document::read(&data);
    let arns: Vec<String> = arns(&document);
    let mode = rng.pick(&[
        AuthenticationMode::ConfigMap,
        AuthenticationMode::ConfigMap,
        AuthenticationMode::ApiAndConfigMap,
        AuthenticationMode::ApiAndConfigMap,
        AuthenticationMode::ApiAndConfigMap,
        AuthenticationMode::Api,
    ]);
    let mut state = ClusterState::new(mode);
    for arn in &arns {
        if mode != AuthenticationMode::ConfigMap && rng.one_in(5) {
            state
                .entries
                .insert(arn.clone(), existing(rng, &document, arn));
        }
    }
    let knows_cluster =
        mode != AuthenticationMode::ApiAndConfigMap || !state.entries.is_empty() || rng.bool();
    let chosen = |rng: &mut Rng, share| -> Vec<String> {
        arns.iter().filter(|_| rng.one_in(share)).cloned().collect()
    };
    let choices = Choices {
        masters: match rng.one_in(3) {
            true => Masters::Policy,
            false => Masters::default(),
        },
        accepted: chosen(rng, 3),
        skipped: chosen(rng, 12),
        principals: Vec::new(),
        run: rng.bool().then(|| "20261121T160000Z".to_owned()),
    };
    let identities = identities(rng, &callers, &arns);
    Case {
        node_inventory: rng.one_in(3).then(|| node_inventory(rng, &arns)),
        principals: rng.one_in(3).then(|| principals(rng, &arns)),
        caller: rng
            .choice(&identities)
            .filter(|_| rng.clone().bool())
            .cloned(),
        document,
        state,
        knows_cluster,
        choices,
        identities,
    }
}

/// Generates a document with entries as they are used on clusters.
fn map(rng: &mut Rng, callers: &[Caller]) -> BTreeMap<String, String> {
    let (mut roles, mut users, mut accounts) = (Vec::new(), Vec::new(), Vec::new());
    for caller in callers {
        let arn = canonical(&caller.arn).expect("an identity").arn;
        let (list, field): (&mut Vec<Value>, _) = match arn.contains(":role/") || rng.one_in(20) {
            true => (&mut roles, "rolearn"),
            false => (&mut users, "userarn"),
        };
        for _ in 0..rng.weighted(&[1, 9, 2]) {
            let arn = match rng.one_in(10) {
                true => arn.to_lowercase(),
                false => arn.clone(),
            };
            list.push(json!({ field: arn, "username": rng.pick(&USERNAMES), "groups": rng.pick(&GROUPS) }));
        }
        if rng.one_in(20) {
            accounts.push(caller.account.clone());
        }
    }
    let sections = SectionName::ALL.map(|name| name.key().to_owned());
    let texts = [json!(roles), json!(users), json!(accounts)].map(|list| list.to_string());
    sections.into_iter().zip(texts).collect()
}

/// Returns the roles and users in a document, roles without their IAM path.
fn arns(document: &Document) -> Vec<String> {
    let entries = document.sections().flat_map(|section| section.entries());
    let principals = entries.filter_map(|entry| match &entry.mapping()?.principal {
        Principal::Role(arn) | Principal::User(arn) => Some(arn),
        Principal::Account(_) | Principal::Sso(_) => None,
    });
    let arns: BTreeSet<String> = principals
        .filter(|arn| {
            Parts::of(arn).is_some_and(|parts| parts.is("iam", "role") || parts.is("iam", "user"))
        })
        .filter(|arn| canonical(arn).is_ok())
        .cloned()
        .collect();
    arns.into_iter().collect()
}

/// Returns sessions of all roles, all other principals, and other identities of the accounts.
fn identities(rng: &mut Rng, callers: &[Caller], arns: &[String]) -> Vec<String> {
    let own = callers.iter().map(|caller| caller.arn.clone());
    let mut all: Vec<String> = own.collect();
    all.push(format!("arn:aws:iam::{ACCOUNT}:user/member"));
    all.push(format!(
        "arn:aws:sts::444455556666:assumed-role/Member/{}",
        rng.pick(&SESSIONS)
    ));
    for arn in arns.iter().filter(|arn| can_match(arn)) {
        let parts = Parts::of(arn).expect("an ARN");
        match parts.is("iam", "role") {
            true => all.push(format!(
                "arn:{}:sts::{}:assumed-role/{}/{}",
                parts.partition,
                parts.account,
                parts.name,
                rng.pick(&SESSIONS)
            )),
            false => all.push(arn.clone()),
        }
    }
    all.retain(|arn| canonical(arn).is_ok());
    all
}

/// Generates an access entry that exists: one that equals aws-auth, or another one.
fn existing(rng: &mut Rng, document: &Document, arn: &str) -> AccessTerms {
    let entries = document.sections().flat_map(|section| section.entries());
    let mut mappings = entries.filter_map(|entry| entry.mapping());
    let mapping = mappings.find(|mapping| mapping.principal.text() == arn);
    match (rng.u8(..4), mapping) {
        (0 | 1, Some(mapping))
            if !mapping
                .groups()
                .iter()
                .any(|group| group.starts_with("system:")) =>
        {
            AccessTerms {
                username: Some(mapping.username.clone()).filter(|name| !name.is_empty()),
                groups: mapping.groups().to_vec(),
                policies: Some(Vec::new()),
                ..AccessTerms::default()
            }
        }
        (2, _) => {
            cluster_state::node_terms(rng.pick(&["EC2_LINUX", "FARGATE_LINUX", "EC2_WINDOWS"]))
        }
        _ => AccessTerms {
            username: Some("other".to_owned()),
            groups: vec!["others".to_owned()],
            policies: Some(Vec::new()),
            ..AccessTerms::default()
        },
    }
}

fn node_inventory(rng: &mut Rng, arns: &[String]) -> NodeInventory {
    let roles = arns
        .iter()
        .filter(|arn| arn.contains(":role/") && arn.contains(ACCOUNT));
    let (mut groups, mut profiles) = (Vec::new(), Vec::new());
    for role in roles {
        let role = Some(role.replace(":role/", ":role/nodes/"));
        match rng.u8(..6) {
            0 => profiles.push(FargateProfile {
                role,
                ..FargateProfile::default()
            }),
            1 => groups.push(NodeGroup {
                role,
                ami_type: "WINDOWS_CORE_2022_x86_64".to_owned(),
                ..NodeGroup::default()
            }),
            2 | 3 => groups.push(NodeGroup {
                role,
                ..NodeGroup::default()
            }),
            _ => {}
        }
    }
    NodeInventory {
        groups: Some(groups),
        profiles: Some(profiles),
        classes: None,
        ..NodeInventory::default()
    }
}

/// Generates what IAM returns: most roles with a path, and all users.
fn principals(rng: &mut Rng, arns: &[String]) -> Principals {
    let of = |kind: &str| {
        let own = arns
            .iter()
            .filter_map(|arn| Parts::of(arn).map(|parts| (arn, parts)));
        own.filter(|(_, parts)| {
            parts.account == ACCOUNT && parts.is("iam", kind) && parts.partition == "aws"
        })
        .map(|(arn, parts)| (arn.clone(), parts.name.to_owned()))
        .collect::<Vec<_>>()
    };
    let principal = |(arn, name)| iam_inventory::Principal {
        arn,
        name,
        ..iam_inventory::Principal::default()
    };
    let roles = of("role").into_iter().filter(|_| !rng.one_in(6));
    let roles = roles.map(|(arn, name)| {
        let path = if name.len() % 2 == 0 {
            ":role/team/"
        } else {
            ":role/"
        };
        principal((arn.replace(":role/", path), name))
    });
    Principals {
        account: ACCOUNT.to_owned(),
        roles: Listed::all(roles.collect()),
        users: Listed::all(of("user").into_iter().map(principal).collect()),
        instance_profiles: BTreeMap::new(),
    }
}

/// The sign-in of EKS is that of `explain`, which tests/offline compares with the authenticator.
#[test]
fn generated_entries_are_in_effect() {
    let entries = AccessEntries::new(
        AuthenticationMode::Api,
        Some(vec![AccessEntry {
            principal_arn: format!("arn:aws:iam::{ACCOUNT}:role/team/Dev"),
            terms: Some(cluster_state::node_terms("EC2_LINUX")),
        }]),
    );
    assert!(
        entries
            .of(&format!("arn:aws:iam::{ACCOUNT}:role/Dev"))
            .is_some()
    );
}

/// A run that stopped between the two calls is finished by the next one, unless the principal is no longer an administrator.
#[test]
fn entry_without_its_policy_is_unfinished() {
    let document = |groups: &[&str]| {
        let roles = json!([{"rolearn": "arn:aws:iam::111122223333:role/Admin", "username": "admin", "groups": groups}]);
        Document::read(&BTreeMap::from([(
            "mapRoles".to_owned(),
            roles.to_string(),
        )]))
    };
    let planned = |groups: &[&str], state: &ClusterState, masters: Masters| {
        let choices = Choices {
            masters,
            run: Some("20261122T150000Z".to_owned()),
            ..Choices::default()
        };
        let (document, entries) = (document(groups), state.access_entries());
        let input = MigrationInput {
            document: &document,
            access_entries: Some(&entries),
            cluster: None,
            node_inventory: None,
            principals: None,
            caller: None,
            choices: &choices,
        };
        let plan = plan(&input).unwrap();
        (verdict_name(&plan.items[0].verdict), plan.operations)
    };
    let masters = &["system:masters", "ops"];
    let mut state = ClusterState::new(AuthenticationMode::ApiAndConfigMap);
    let (_, operations) = planned(masters, &state, Masters::Policy);
    let [create, associate] = operations.as_slice() else {
        panic!("{operations:?}")
    };
    state.apply(create).unwrap();
    for choice in [Masters::Policy, Masters::default()] {
        let (verdict, operations) = planned(masters, &state, choice);
        assert_eq!(verdict, "unfinished");
        assert_eq!(&operations[1..], std::slice::from_ref(associate));
    }
    assert_eq!(
        planned(&["ops"], &state, Masters::Policy).0,
        "already there"
    );
    let mut changed = state.clone();
    let terms = changed.entries.values_mut().next().unwrap();
    terms.groups.push("more".to_owned());
    assert_eq!(planned(masters, &changed, Masters::Policy).0, "conflict");
    state.apply(associate).unwrap();
    assert_eq!(planned(masters, &state, Masters::Policy).0, "already there");
}
