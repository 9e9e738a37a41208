//! A small Azure on loopback, to try Courier's function steps by hand: `azure_cloud --help`.
#![allow(clippy::print_stdout, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::path::PathBuf;
use std::thread;
use std::time::Duration;

use courier_azure::testkit::{
    AzureCloud, CLIENT_ID, CLIENT_SECRET, Function, MASTER_KEY, Mood, Part, TENANT_ID, Tables, WORKSPACE_ID,
};

const HELP: &str = "\
A function app, a workspace and who gives tokens, on loopback.

  --ports A,B,C        of who gives tokens, the app and the workspace (default: free ones)
  --ca FILE            where to write the authority's certificate (default: azure-cloud-ca.pem here)
  --lag SECONDS        how long after their end runs get into the logs (default: 5)
  --slow SECONDS       how long a run of `slow` takes (default: 60)
  --tokens SECONDS     how long tokens live (default: 3600)
  --throttle N         the workspace answers so many queries with 429
  --lose N             the app takes so many calls and loses the answers
  --insights           tables of Application Insights instead of a workspace's
  --open-telemetry     runs without ids of invocations
  --no-trace-ids       runs don't belong to their caller's trace

Functions: ok, fails, slow, chatty (200 lines), unlogged (never in the logs), disabled.";

fn main() {
    let mut ports = [0; 3];
    let mut ca = PathBuf::from("azure-cloud-ca.pem");
    let (mut lag, mut slow, mut tokens, mut throttled, mut lost) = (5, 60, 3600, 0, 0);
    let (mut insights, mut open_telemetry, mut trace_ids) = (false, false, true);
    let mut arguments = std::env::args().skip(1);
    while let Some(argument) = arguments.next() {
        let mut value = || {
            arguments
                .next()
                .unwrap_or_else(|| panic!("{argument} needs a value"))
        };
        match &*argument {
            "--ports" => {
                let given: Vec<u16> = value()
                    .split(',')
                    .map(|port| port.parse().expect("a port"))
                    .collect();
                ports = given.try_into().expect("three ports");
            }
            "--ca" => ca = value().into(),
            "--lag" => lag = value().parse().expect("seconds"),
            "--slow" => slow = value().parse().expect("seconds"),
            "--tokens" => tokens = value().parse().expect("seconds"),
            "--throttle" => throttled = value().parse().expect("a number"),
            "--lose" => lost = value().parse().expect("a number"),
            "--insights" => insights = true,
            "--open-telemetry" => open_telemetry = true,
            "--no-trace-ids" => trace_ids = false,
            _ => {
                println!("{HELP}");
                return;
            }
        }
    }

    let cloud = AzureCloud::on(ports);
    std::fs::write(&ca, cloud.authority_pem()).expect("the certificate can be written");
    cloud.put(
        Function::new("ok")
            .takes(Duration::from_secs(1))
            .writes("done", 1),
    );
    cloud.put(Function::new("fails").fails("500").writes("no such order", 3));
    cloud.put(Function::new("slow").takes(Duration::from_secs(slow)));
    let chatty = Function::new("chatty");
    cloud.put((1..=200).fold(chatty, |function, line| {
        function.writes(&format!("line {line}"), line % 5)
    }));
    cloud.put(Function::new("unlogged").unlogged());
    cloud.put(Function::new("disabled").disabled());
    cloud.set_lag(Duration::from_secs(lag));
    cloud.set_token_lifetime(tokens);
    cloud.set_open_telemetry(open_telemetry);
    cloud.keep_trace_ids(trace_ids);
    if insights {
        cloud.set_tables(Tables::Insights);
    }
    if throttled > 0 {
        let mood = Mood::Failing {
            times: throttled,
            status: 429,
            retry_after: Some(2),
        };
        cloud.feel(Part::Workspace, mood);
    }
    if lost > 0 {
        let mood = Mood::Losing {
            times: lost,
            status: None,
        };
        cloud.feel(Part::App, mood);
    }

    println!("SSL_CERT_FILE   {}", ca.canonicalize().unwrap_or(ca).display());
    println!("host            {}", cloud.host());
    println!("port            {}", cloud.port());
    println!("password        {MASTER_KEY}");
    println!("tenant_id       {TENANT_ID}");
    println!("client_id       {CLIENT_ID}");
    println!("client_secret   {CLIENT_SECRET}");
    println!("workspace_id    {WORKSPACE_ID}");
    println!("authority_host  {}", cloud.authority_url());
    println!("logs_endpoint   {}", cloud.logs_url());
    println!("\nCtrl-C ends it. What is triggered:");
    let mut seen = 0;
    loop {
        for triggered in cloud.triggers().iter().skip(seen) {
            println!(
                "{}  {}  {}  {:?}",
                triggered.at, triggered.function, triggered.invocation_id, triggered.input
            );
            seen += 1;
        }
        thread::sleep(Duration::from_millis(200));
    }
}
