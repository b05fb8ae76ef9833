//! The chart's values and its schema.

use std::path::Path;

use serde_json::Value;

use crate::manifests::same_rendering::{charted, helm, key, object, objects, set, template};

#[test]
fn helm_lint_has_no_findings() {
    let run = helm(&["lint", "--strict", "."]);
    run.says(0, &[]);
    assert!(run.stdout.contains("0 chart(s) failed"), "{run:?}");
    assert!(!run.stdout.contains("[WARNING]"), "{run:?}");
}

#[test]
fn values_schema_rejects_invalid_values() {
    let cases = [
        ("replicas=0", "/replicas"),
        ("replica=3", "additional properties 'replica' not allowed"),
        (
            r#"config.grants=[{"groups": ["devs"]}]"#,
            "missing property 'accounts'",
        ),
        (
            r#"config.grants=[{"accounts": ["1111"]}]"#,
            "/config/grants/0/accounts/0",
        ),
        (
            r#"config.grants=[{"accounts": ["111122223333"], "requesters": {"groups": ["a"]}}]"#,
            "a grant with requesters needs webhook.enabled=true and webhook.requesters=true",
        ),
        (
            "config.grants=[{\"accounts\": [111122223333]}]",
            "got number, want string",
        ),
        (
            "config.grant=[]",
            "additional properties 'grant' not allowed",
        ),
        (
            r#"config.protect={"arns": ["role/x"]}"#,
            "/config/protect/arns/0",
        ),
        ("image.digest=latest", "/image/digest"),
        ("image.pullPolicy=Sometimes", "/image/pullPolicy"),
        ("webhook.timeoutSeconds=10", "/webhook/timeoutSeconds"),
        ("webhook.enabled=maybe", "/webhook/enabled"),
        ("ports.webhook=70000", "/ports/webhook"),
        ("listenAddress=::", "/listenAddress"),
        ("logFormat=xml", "/logFormat"),
        ("backup.keep=0", "/backup/keep"),
        ("backup.size=1G", "/backup/size"),
        (
            "serviceAccount.create=false",
            "serviceAccount.name is required if serviceAccount.create is false",
        ),
    ];
    for (value, why) in cases {
        template("kube-system", &[value]).says(1, &[why]);
    }
}

#[test]
fn values_reach_the_controller() {
    let text = charted(&[
        "webhook.enabled=true",
        "hostNetwork=true",
        "ports.webhook=9443",
        "listenAddress=[::]",
        "image.repository=example.test/awsauth",
        &format!("image.digest=sha256:{}", "0".repeat(64)),
        "iamIdentityMappings=true",
        "aws.clusterName=prod",
        "aws.region=eu-west-1",
        r"serviceAccount.annotations.eks\.amazonaws\.com/role-arn=arn:aws:iam::111122223333:role/awsauth",
    ]);
    let deployment = object(&text, "Deployment", "awsauth-controller");
    let pod = &deployment["spec"]["template"]["spec"];
    assert_eq!(pod["hostNetwork"], true);
    assert_eq!(pod["dnsPolicy"], "ClusterFirstWithHostNet");
    let container = &pod["containers"][0];
    assert_eq!(
        container["image"],
        format!("example.test/awsauth@sha256:{}", "0".repeat(64))
    );
    let args: Vec<&str> = container["args"]
        .as_array()
        .unwrap()
        .iter()
        .map(|arg| arg.as_str().unwrap())
        .collect();
    for arg in [
        "--webhook",
        "--webhook-listen=[::]:9443",
        "--iam-identity-mappings",
    ] {
        assert!(args.contains(&arg), "{arg} in {args:?}");
    }
    let port = container["ports"].as_array().unwrap().last().unwrap();
    assert_eq!(port["containerPort"], 9443);
    let variable = |name: &str| {
        let mut variables = container["env"].as_array().unwrap().iter();
        let found = variables.find(|variable| variable["name"] == name);
        &found.expect(name)["value"]
    };
    assert_eq!(variable("AWSAUTH_CLUSTER_NAME"), "prod");
    assert_eq!(variable("AWS_REGION"), "eu-west-1");
    assert_eq!(variable("MALLOC_ARENA_MAX"), "1");
    let account = object(&text, "ServiceAccount", "awsauth-controller");
    assert_eq!(
        account["metadata"]["annotations"]["eks.amazonaws.com/role-arn"],
        "arn:aws:iam::111122223333:role/awsauth"
    );
}

#[test]
fn backup_values_reach_the_job() {
    let text = charted(&[
        "backup.enabled=true",
        "backup.schedule=*/5 * * * *",
        "backup.keep=7",
        "backup.storageClassName=gp3",
        "backup.size=5Gi",
        "image.repository=example.test/awsauth",
    ]);
    let job = object(&text, "CronJob", "awsauth-backup");
    assert_eq!(job["spec"]["schedule"], "*/5 * * * *");
    let pod = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    let container = &pod["containers"][0];
    assert_eq!(container["args"][2], "--keep=7");
    assert_eq!(
        container["image"],
        concat!("example.test/awsauth:", env!("CARGO_PKG_VERSION"))
    );
    let claim = object(&text, "PersistentVolumeClaim", "awsauth-backup");
    assert_eq!(claim["spec"]["storageClassName"], "gp3");
    assert_eq!(claim["spec"]["resources"]["requests"]["storage"], "5Gi");
    // An uninstall leaves the backups.
    let policy = &claim["metadata"]["annotations"]["helm.sh/resource-policy"];
    assert_eq!(policy, "keep");

    let text = charted(&[
        "backup.enabled=true",
        "backup.volume.nfs.server=backup.internal",
        "backup.volume.nfs.path=/aws-auth",
    ]);
    let job = object(&text, "CronJob", "awsauth-backup");
    let pod = &job["spec"]["jobTemplate"]["spec"]["template"]["spec"];
    assert_eq!(pod["volumes"][0]["nfs"]["path"], "/aws-auth");
    let keys: Vec<String> = objects(&text).iter().map(key).collect();
    assert!(!keys.contains(&"PersistentVolumeClaim kube-system awsauth-backup".to_owned()));
}

#[test]
fn configuration_is_rendered_verbatim() {
    let text = charted(&[
        r#"config.grants=[{"accounts": ["111122223333"], "groups": ["developers", "view-*"]}]"#,
        r#"config.protect={"nodeEntries": true}"#,
    ]);
    let config = object(&text, "ConfigMap", "awsauth-controller");
    let config: serde_json::Value =
        serde_yaml::from_str(config["data"]["config.yaml"].as_str().unwrap()).unwrap();
    assert_eq!(config["grants"][0]["groups"][1], "view-*");
    assert_eq!(config["protect"]["nodeEntries"], true);
    assert_eq!(
        config["admission"]["breakGlass"]["groups"][0],
        "awsauth:break-glass"
    );
}

/// With cert-manager, the controller may not write certificates or change the webhook's configuration.
#[test]
fn cert_manager_replaces_the_certificate_of_the_controller() {
    let values = ["webhook.enabled=true", "webhook.certManager.enabled=true"];
    let text = charted(&values);
    let configuration = object(
        &text,
        "ValidatingWebhookConfiguration",
        "awsauth-controller",
    );
    assert_eq!(
        configuration["metadata"]["annotations"]["cert-manager.io/inject-ca-from"],
        "kube-system/awsauth-controller-webhook"
    );
    let certificate = object(&text, "Certificate", "awsauth-controller-webhook");
    assert_eq!(certificate["spec"]["issuerRef"]["kind"], "Issuer");
    assert_eq!(
        certificate["spec"]["dnsNames"][0],
        "awsauth-controller.kube-system.svc"
    );
    let role = object(&text, "ClusterRole", "awsauth-controller-webhook");
    assert_eq!(
        role["rules"][0]["verbs"],
        serde_json::json!(["list", "watch"])
    );
    let keys: Vec<String> = objects(&text).iter().map(key).collect();
    assert!(!keys.contains(&"Role kube-system awsauth-controller-webhook".to_owned()));

    let own = "webhook.certManager.issuerRef.kind=ClusterIssuer";
    let name = "webhook.certManager.issuerRef.name=internal";
    let text = charted(&[values[0], values[1], own, name]);
    let certificate = object(&text, "Certificate", "awsauth-controller-webhook");
    assert_eq!(certificate["spec"]["issuerRef"]["name"], "internal");
    let kinds = |kind: &str| {
        let all = objects(&text);
        all.iter().filter(|object| object["kind"] == kind).count()
    };
    assert_eq!((kinds("Issuer"), kinds("Certificate")), (0, 1));
}

/// If a certificate were its own CA, the API server would trust another CA than the one in use during each renewal.
#[test]
fn cert_manager_ca_keeps_its_key() {
    let text = charted(&["webhook.enabled=true", "webhook.certManager.enabled=true"]);
    let spec = |kind: &str, name: &str| {
        let object = object(&text, kind, name);
        assert_eq!(object["metadata"]["namespace"], "kube-system");
        object["spec"].clone()
    };
    let issuer = |spec: &Value| {
        assert_eq!(spec["issuerRef"]["kind"], "Issuer");
        spec["issuerRef"]["name"].as_str().unwrap().to_owned()
    };
    let served = spec("Certificate", "awsauth-controller-webhook");
    assert_eq!(served["secretName"], "awsauth-controller-webhook-tls");
    assert_eq!(served.get("isCA"), None);
    let signer = spec("Issuer", &issuer(&served));
    let authority = spec("Certificate", "awsauth-controller-webhook-ca");
    assert_eq!(signer["ca"]["secretName"], authority["secretName"]);
    assert_ne!(authority["secretName"], served["secretName"]);
    assert_eq!(authority["isCA"], true);
    assert_eq!(authority["privateKey"]["rotationPolicy"], "Never");
    let root = spec("Issuer", &issuer(&authority));
    assert_eq!(root, serde_json::json!({"selfSigned": {}}));

    // docs/admission.md shows the same objects.
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/admission.md");
    let page = std::fs::read_to_string(page).unwrap();
    let mut blocks = page.split("```yaml\n");
    let shown = blocks.find(|block| block.starts_with("apiVersion: cert-manager.io"));
    let shown = objects(shown.unwrap().split("```").next().unwrap());
    assert_eq!(shown.len(), 4);
    for shown in shown {
        let kind = shown["kind"].as_str().unwrap();
        let name = shown["metadata"]["name"].as_str().unwrap();
        assert_eq!(spec(kind, name), shown["spec"], "{kind} {name}");
    }
}

/// Only the controller sets the CA bundle, and an upgrade does not remove it.
#[test]
fn ca_bundle_is_omitted() {
    let text = charted(&["webhook.enabled=true"]);
    let configuration = object(
        &text,
        "ValidatingWebhookConfiguration",
        "awsauth-controller",
    );
    assert_eq!(
        configuration["webhooks"][0]["clientConfig"].get("caBundle"),
        None
    );
}

#[test]
fn aws_auth_stays_in_kube_system_for_another_release_namespace() {
    let run = template("access", &["webhook.enabled=true"]);
    run.says(0, &[]);
    let keys: Vec<String> = objects(&run.stdout).iter().map(key).collect();
    for expected in [
        "Deployment access awsauth-controller",
        "Role access awsauth-controller-leader",
        "Role access awsauth-controller-webhook",
        "Role kube-system awsauth-controller",
        "Role default awsauth-controller-events",
    ] {
        assert!(
            keys.contains(&expected.to_owned()),
            "{expected} in {keys:#?}"
        );
    }
    let configuration = object(
        &run.stdout,
        "ValidatingWebhookConfiguration",
        "awsauth-controller",
    );
    let webhook = &configuration["webhooks"][0];
    assert_eq!(webhook["clientConfig"]["service"]["namespace"], "access");
    assert_eq!(
        webhook["namespaceSelector"]["matchLabels"]["kubernetes.io/metadata.name"],
        "kube-system"
    );
    let binding = objects(&run.stdout)
        .into_iter()
        .find(|object| key(object) == "RoleBinding kube-system awsauth-controller")
        .unwrap();
    assert_eq!(binding["subjects"][0]["namespace"], "access");
}

#[test]
fn existing_service_account_is_used() {
    let text = charted(&["serviceAccount.create=false", "serviceAccount.name=mine"]);
    assert!(
        objects(&text)
            .iter()
            .all(|object| object["kind"] != "ServiceAccount")
    );
    let policy = object(&text, "ValidatingAdmissionPolicy", "awsauth-status");
    assert_eq!(
        policy["spec"]["validations"][0]["expression"],
        "request.userInfo.username == 'system:serviceaccount:kube-system:mine'"
    );
    let deployment = object(&text, "Deployment", "awsauth-controller");
    assert_eq!(
        deployment["spec"]["template"]["spec"]["serviceAccountName"],
        "mine"
    );
    let binding = object(&text, "ClusterRoleBinding", "awsauth-controller");
    assert_eq!(binding["subjects"][0]["name"], "mine");
}

#[test]
fn release_notes_state_the_next_steps() {
    let notes = |values: &[&str]| {
        let mut args = vec![
            "install",
            "awsauth",
            ".",
            "-n",
            "kube-system",
            "--dry-run=client",
        ];
        args.extend(set(values));
        let run = helm(&args);
        run.says(0, &[]);
        run.stdout.split("NOTES:").nth(1).unwrap().to_owned()
    };
    let nothing_granted = notes(&[]);
    assert!(
        nothing_granted.contains("Nothing is granted yet"),
        "{nothing_granted}"
    );
    assert!(!nothing_granted.contains("caBundle"));
    let granted = notes(&[
        r#"config.grants=[{"accounts": ["111122223333"]}]"#,
        "webhook.enabled=true",
    ]);
    assert!(!granted.contains("Nothing is granted yet"), "{granted}");
    assert!(granted.contains("awsauth_admission_enforced"), "{granted}");
    assert!(granted.contains("ignoreDifferences"), "{granted}");
    let without_effect = "which a NetworkPolicy does not cover";
    assert!(!granted.contains(without_effect), "{granted}");
    let host = notes(&["hostNetwork=true", "webhook.enabled=true"]);
    assert!(host.contains(without_effect), "{host}");
    assert!(host.contains("ports 8080 (metrics), 8443 (webhook) and 8081 (health)"));
    let policies = notes(&["controller.enabled=false"]);
    assert!(policies.contains("awsauth-guard"), "{policies}");
}
