//! The static binary for Linux: its link format, and that it runs in an empty root.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::process::{Command, Output};
use std::sync::Arc;

use object::elf::{ET_DYN, PT_INTERP, R_X86_64_IRELATIVE};
use object::read::elf::{ElfFile64, FileHeader, ProgramHeader, SectionHeader};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use serde_json::json;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::support::dns_server::Dns;
use crate::support::fake_api::{FakeApi, Scenario, eksctl_made};
use crate::support::{program_output, static_build};

/// The variable that passes the binary's path to the test inside `unshare`.
const BINARY: &str = "AWSAUTH_TEST_STATIC_BINARY";

/// A name that only the DNS server of the test knows.
const API: &str = "api.example.test";

#[test]
fn static_binary_is_position_independent_and_loads_nothing() {
    let binary = fs::read(static_build::linked_alike()).expect("the binary");
    let elf = ElfFile64::<object::Endianness>::parse(&*binary).expect("an ELF file");
    let endian = elf.endian();
    assert_eq!(elf.elf_header().e_type(endian), ET_DYN);
    let mut parts = elf.elf_program_headers().iter();
    assert!(!parts.any(|part| part.p_type(endian) == PT_INTERP));

    // Relative relocations are packed (RELR), which halves the time before main. The remaining ones select glibc
    // functions for the processor.
    let tables = elf
        .elf_section_table()
        .iter()
        .filter_map(|section| section.rela(endian, &*binary).expect("a section"));
    let kinds: Vec<u32> = tables
        .flat_map(|(relocations, _)| relocations)
        .map(|relocation| relocation.r_type(endian, false))
        .collect();
    assert!(
        kinds.iter().all(|&kind| kind == R_X86_64_IRELATIVE),
        "{kinds:?}"
    );
}

/// Needs root, or permission to become root in a user namespace.
#[test]
fn static_binary_resolves_names_and_reads_the_ca_in_an_empty_root() {
    let binary = static_build::linked_alike();
    if fs::metadata("/proc/self").expect("/proc").uid() == 0 {
        return reaches_a_server_by_name(&binary);
    }
    let this = std::env::current_exe().expect("a test binary knows its path");
    let mut command = Command::new("unshare");
    command
        .args(["--user", "--map-root-user", "--net", "--"])
        .args([
            "sh",
            "-c",
            "PATH=$PATH:/usr/sbin:/sbin; ip link set lo up && exec \"$@\"",
            "sh",
        ])
        .arg(this)
        .args([
            "--exact",
            "static_binary::as_root",
            "--ignored",
            "--nocapture",
        ])
        .env(BINARY, binary);
    let done = program_output::output(&mut command);
    assert!(
        done.status.success(),
        "run this test as root, or allow user namespaces \
         (sysctl kernel.apparmor_restrict_unprivileged_userns=0): {}",
        describe(&done)
    );
}

#[test]
#[ignore = "run by the test above"]
fn as_root() {
    if let Some(binary) = std::env::var_os(BINARY) {
        reaches_a_server_by_name(Path::new(&binary));
    }
}

fn reaches_a_server_by_name(binary: &Path) {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let authority = Authority::new();
    let api = runtime.block_on(authority.serve(API));
    let dns = Dns::start(API);

    let root = tempfile::tempdir().expect("a temporary folder");
    let put =
        |name: &str, content: String| fs::write(root.path().join(name), content).expect("a file");
    fs::copy(binary, root.path().join("awsauth")).expect("the binary");
    fs::create_dir(root.path().join("etc")).expect("a folder");
    put("etc/resolv.conf", format!("nameserver {}\n", dns.address));
    put("ca.crt", authority.pem.clone());
    put("known", kubeconfig(&api.url.replace("127.0.0.1", API)));
    put("unknown", kubeconfig("https://nobody.example.test"));

    let done = awsauth_in(
        root.path(),
        &["get", "-o", "name", "--kubeconfig", "/known"],
    );
    assert!(done.status.success(), "{}", describe(&done));
    assert_eq!(
        String::from_utf8_lossy(&done.stdout),
        "arn:aws:iam::111122223333:role/mytestrole\n"
    );
    assert!(dns.asked().contains(&API.to_owned()));

    let done = awsauth_in(root.path(), &["get", "--kubeconfig", "/unknown"]);
    assert_eq!(done.status.code(), Some(3), "{}", describe(&done));
    assert!(dns.asked().contains(&"nobody.example.test".to_owned()));

    // Another CA certificate in this file makes the connection fail, so this file was used.
    put("ca.crt", Authority::new().pem);
    let done = awsauth_in(root.path(), &["get", "--kubeconfig", "/known"]);
    assert_eq!(done.status.code(), Some(3), "{}", describe(&done));
}

fn awsauth_in(root: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new("unshare");
    command
        .env_clear()
        .arg("--root")
        .arg(root)
        .args(["--wd", "/", "--", "/awsauth"])
        .args(arguments);
    program_output::output(&mut command)
}

fn kubeconfig(server: &str) -> String {
    json!({
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "test", "cluster": {"server": server, "certificate-authority": "/ca.crt"}}],
        "users": [{"name": "test", "user": {"token": "test"}}],
        "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test"}}],
        "current-context": "test",
    })
    .to_string()
}

fn describe(done: &Output) -> String {
    let [stdout, stderr] =
        [&done.stdout, &done.stderr].map(|message| String::from_utf8_lossy(message));
    format!("{}\n{stdout}{stderr}", done.status)
}

struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pem: String,
}

impl Authority {
    fn new() -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let pem = params.self_signed(&key).expect("a certificate").pem();
        let issuer = Issuer::new(params, key);
        Self { issuer, pem }
    }

    /// An API server whose certificate is for `name` alone.
    async fn serve(&self, name: &str) -> FakeApi {
        let key = KeyPair::generate().expect("a key");
        let params = CertificateParams::new([name.to_owned()]).expect("a DNS name");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        let key = key.serialize_der().try_into().expect("a key");
        let config = ServerConfig::builder()
            .with_no_client_auth()
            .with_single_cert(vec![certificate.der().clone()], key)
            .expect("a usable certificate");
        let mut object = eksctl_made();
        object["data"]["mapRoles"] =
            json!("- rolearn: arn:aws:iam::111122223333:role/mytestrole\n  username: admin\n");
        FakeApi::start_with(
            Scenario::Calm,
            Some(object),
            Some(TlsAcceptor::from(Arc::new(config))),
        )
        .await
    }
}
