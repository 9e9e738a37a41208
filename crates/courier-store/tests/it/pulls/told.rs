//! What alerts tell of pulled files, and of how mappings fare.

use std::collections::HashSet;

use courier_store::{
    Error, Store,
    alerts::{AlertKind, Channel, Delivery, DeliveryState},
    connections::{ConnectionFilter, Health, Outcome},
    executions::ExecutionState,
    folder_mappings::{ConnectionState, FolderMapping, Held, Ill, Verdict},
    new_id, now,
};
use jiff::SignedDuration;
use serde_json::json;
use uuid::Uuid;

use super::{audit, begin, file, modified, pull, puller, record};
use crate::{
    alerts::{alert, deliver, messages, rule},
    connections::some,
    database::{Database, walk},
    executions::{enqueue, life},
    folder_mappings::{mapping, storage},
    on_both,
};

on_both!(
    each_file_is_told_of_once,
    a_webhook_gets_each_file_and_people_get_them_together,
    many_files_are_taken_in_turn,
    mappings_have_health_that_is_told_of,
    a_connection_is_shown_with_the_health_of_its_mappings,
);

async fn each_file_is_told_of_once(db: Database) {
    let connection = some(&db, "partner").await.id;
    let storage = storage(&db, "lake").await.id;
    let orders = mapping(&db, connection, "orders", storage).await.id;
    let all = alert(&db, "all", rule(&[AlertKind::FilePulled])).await;
    let mut of_others = rule(&[AlertKind::FilePulled]);
    of_others.mappings = vec![new_id()];
    let of_others = alert(&db, "others", of_others).await;
    let mut ours = rule(&[AlertKind::FilePulled, AlertKind::ConnectionHealth]);
    (ours.connections, ours.mappings) = (vec![connection], vec![orders]);
    let ours = alert(&db, "ours", ours).await;
    let health = alert(&db, "health", rule(&[AlertKind::ConnectionHealth])).await;

    let puller = puller(&db, &life(&db, "n").await, connection, orders).await;
    let files = [
        file("/out/a.csv", 3, modified(1)),
        file("/out/b \u{0}.csv", 0, modified(2)),
    ];
    pull(&db, puller, &files).await;
    // The answer was lost, and the group is committed again.
    db.pulls().commit(puller, &record(&files), audit).await.unwrap();

    let told = messages(&db, &all).await;
    assert_eq!(told.len(), 2);
    assert_eq!(messages(&db, &ours).await.len(), 2);
    assert_eq!(messages(&db, &of_others).await, []);
    assert_eq!(messages(&db, &health).await, []);
    let facts = &told[0].facts;
    assert_eq!(told[0].kind, AlertKind::FilePulled);
    assert_eq!(facts["connection"]["name"], json!("partner"));
    assert_eq!(facts["mapping"], json!({"id": orders, "name": "orders"}));
    assert_eq!(facts["execution"]["id"], json!(puller.claim.execution));
    let entry = db.pulls().get(files[0].id).await.unwrap();
    assert_eq!(
        facts["file"],
        json!({
            "entry_id": files[0].id,
            "path": "/out/a.csv",
            "size": 3,
            "modified": super::at(1),
            "sha256": "07".repeat(32),
            "storage_id": Uuid::max(),
            "destination": "s3://in/out/a.csv",
            "key": "out/a.csv",
            "pulled_at": entry.pulled_at,
            "replay_of": null,
        })
    );

    // What isn't recorded isn't told of.
    let lost = file("/out/c.csv", 1, modified(3));
    db.pulls()
        .commit(puller, &begin(std::slice::from_ref(&lost)), audit)
        .await
        .unwrap();
    let executions = db.executions();
    let release = executions.release(puller.claim, ExecutionState::Failed, None, None);
    release.await.unwrap();
    let refused = db.pulls().commit(puller, &record(&[lost]), audit).await;
    assert!(matches!(refused, Err(Error::Conflict(_))), "{refused:?}");
    assert_eq!(messages(&db, &all).await.len(), 2);
}

async fn a_webhook_gets_each_file_and_people_get_them_together(db: Database) {
    let on = [AlertKind::FilePulled, AlertKind::ConnectionHealth];
    let webhook = alert(&db, "webhook", rule(&on)).await;
    let mut mail = rule(&on);
    mail.channel = Channel::Email {
        to: vec!["ops@example.com".into()],
    };
    let mail = alert(&db, "mail", mail).await;
    let connection = some(&db, "partner").await;
    let puller = puller(&db, &life(&db, "n").await, connection.id, new_id()).await;
    let files: Vec<_> = (0..5).map(|n| file(&format!("/{n}"), n, modified(0))).collect();
    pull(&db, puller, &files).await;
    let failing = Outcome::Failing("no answer");
    assert!(db.connections().note(connection.seen(), failing).await.unwrap());

    let sent = deliver(&db, now()).await;
    let of = |id: Uuid| -> Vec<usize> {
        let of = sent.iter().filter(|one: &&Vec<Delivery>| one[0].alert_id == id);
        of.map(Vec::len).collect()
    };
    assert_eq!(of(webhook.id), [1; 6]);
    assert_eq!(of(mail.id), [6]);

    // Delivered ones about files are forgotten first.
    let pruned = db
        .alerts()
        .prune(now() - SignedDuration::from_hours(1), now())
        .await;
    assert_eq!(pruned.unwrap(), 6, "five of the webhook, and the mail's first");
    assert_eq!(messages(&db, &webhook).await.len(), 1);
}

async fn many_files_are_taken_in_turn(db: Database) {
    let arrivals = alert(&db, "arrivals", rule(&[AlertKind::FilePulled])).await;
    let other = alert(&db, "other", rule(&[AlertKind::FilePulled])).await;
    let puller = puller(&db, &life(&db, "n").await, new_id(), new_id()).await;
    for group in 0..3_u64 {
        let files: Vec<_> = (0..100)
            .map(|n| file(&format!("/{group}/{n}"), n, modified(0)))
            .collect();
        pull(&db, puller, &files).await;
    }
    let at = now();
    let hour = SignedDuration::from_hours(1);
    let take = async |busy: &[Uuid]| db.alerts().take(at, hour, busy).await.unwrap();
    let mut seen = HashSet::new();
    while let Some(taken) = take(&[other.id]).await {
        assert_eq!(taken.alert, arrivals, "the other one has enough to do");
        assert!((1..=64).contains(&taken.messages.len()));
        for message in &taken.messages {
            assert_eq!((message.delivery.attempts, message.joined.len()), (1, 0));
            assert!(seen.insert(message.delivery.id), "taken twice");
        }
    }
    assert_eq!(seen.len(), 300);
    let states: HashSet<_> = messages(&db, &arrivals).await.iter().map(|m| m.state).collect();
    assert_eq!(states, HashSet::from([DeliveryState::Pending]));
    let again = db
        .alerts()
        .take(at + hour, hour, &[other.id])
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        again.messages[0].delivery.attempts, 2,
        "nobody said what became of them"
    );
    assert_eq!(take(&[]).await.unwrap().alert, other);
}

/// The mapping is pulled, and this is said of it.
async fn judged(db: &Store, mapping: &FolderMapping, verdict: Verdict) {
    let execution = enqueue(db, new_id(), "orders").await;
    let life = life(db, "judge").await;
    let claim = db.executions().claim(execution.id, &life).await.unwrap();
    let claim = claim.unwrap().claim();
    let held = db.folder_mappings().hold(claim, mapping.id).await.unwrap();
    assert!(matches!(held, Held::Taken(_)), "{held:?}");
    let judge = |_: &FolderMapping, _: &ConnectionState, _| Some(verdict);
    db.folder_mappings()
        .release(claim, mapping.id, mapping.updated_at, judge)
        .await
        .unwrap();
}

fn ill(code: &'static str, health: Health) -> Verdict {
    let ill = Ill {
        health: Some(health),
        code: code.into(),
        detail: format!("it is so: {code}"),
        waits_for_connection: false,
    };
    Verdict::Ill(ill, None)
}

async fn mappings_have_health_that_is_told_of(db: Database) {
    let on = rule(&[AlertKind::ConnectionHealth]);
    let alert = alert(&db, "a", on).await;
    let connection = some(&db, "partner").await;
    let storage = storage(&db, "lake").await.id;
    let orders = mapping(&db, connection.id, "orders", storage).await;
    judged(&db, &orders, Verdict::Well).await;
    assert_eq!(messages(&db, &alert).await, [], "nobody was told otherwise");
    for _ in 0..2 {
        judged(&db, &orders, ill("folder_missing", Health::Failing)).await;
    }
    let sent = deliver(&db, now()).await.concat();
    assert_eq!(sent.len(), 1);
    assert_eq!(
        sent[0].facts["mapping"],
        json!({
            "id": orders.id,
            "name": "orders",
            "health": "failing",
            "health_before": "healthy",
            "health_code": "folder_missing",
            "health_detail": "it is so: folder_missing",
        })
    );
    assert_eq!(sent[0].facts["connection"]["name"], json!("partner"));
    judged(&db, &orders, Verdict::Well).await;
    let sent = deliver(&db, now()).await.concat();
    assert_eq!((sent.len(), sent[0].recovered), (1, true));

    // The connection's own trouble is told of once.
    let failing = Outcome::Failing("no answer");
    assert!(db.connections().note(connection.seen(), failing).await.unwrap());
    judged(&db, &orders, ill("unreachable", Health::Failing)).await;
    let told = messages(&db, &alert).await;
    assert_eq!(told.len(), 3);
    assert_eq!(told[2].facts["connection"]["health_detail"], json!("no answer"));
    assert_eq!(told[2].facts.get("mapping"), None);
}

async fn a_connection_is_shown_with_the_health_of_its_mappings(db: Database) {
    let (partner, other) = (some(&db, "partner").await, some(&db, "other").await);
    assert!(
        db.connections()
            .note(partner.seen(), Outcome::Healthy)
            .await
            .unwrap()
    );
    let storage = storage(&db, "lake").await.id;
    let orders = mapping(&db, partner.id, "orders", storage).await;
    let reports = mapping(&db, partner.id, "reports", storage).await;
    let shown = async || {
        let counts = db.connections().count_by_health().await.unwrap();
        let counts: Vec<u64> = counts.into_iter().map(|(_, count)| count).collect();
        let mut found = Vec::new();
        for health in Health::ALL {
            let filter = ConnectionFilter {
                health: Some(*health),
                ..Default::default()
            };
            let all = walk(10, async |page| db.connections().list(&filter, &page).await).await;
            found.push(all.len() as u64);
        }
        assert_eq!(counts, found);
        counts
    };
    assert_eq!(
        shown().await,
        [1, 1, 0, 0],
        "unknown, healthy, failing, requires_attention"
    );
    judged(&db, &orders, Verdict::Well).await;
    judged(&db, &reports, ill("folder_missing", Health::Failing)).await;
    assert_eq!(shown().await, [1, 0, 1, 0]);
    judged(&db, &orders, ill("key_rejected", Health::RequiresAttention)).await;
    assert_eq!(shown().await, [1, 0, 0, 1]);
    let mappings = db.folder_mappings();
    let ailing = mappings.ailing(&[other.id, partner.id]).await.unwrap();
    let names: Vec<_> = ailing.iter().map(|one| (one.name.as_str(), one.health)).collect();
    assert_eq!(
        names,
        [
            ("orders", Health::RequiresAttention),
            ("reports", Health::Failing)
        ]
    );
    let counts = mappings.count_by_health().await.unwrap();
    assert_eq!(
        counts.iter().map(|(_, count)| *count).collect::<Vec<_>>(),
        [0, 0, 1, 1]
    );
    let next = mappings.upcoming(10).await.unwrap();
    let next: Vec<_> = next.iter().map(|one| one.mapping_name.as_str()).collect();
    assert_eq!(next, ["orders", "reports"]);

    // What doesn't pull by itself needs nobody.
    for mapping in [orders, reports] {
        let input = courier_store::folder_mappings::FolderMappingInput {
            name: mapping.name.clone(),
            storage_id: storage,
            enabled: false,
            definition: mapping.definition.clone(),
        };
        let changed = mappings
            .update(
                mapping.id,
                mapping.updated_at,
                input,
                Default::default(),
                crate::records::of_both("folder_mapping_changed"),
            )
            .await;
        changed.unwrap();
    }
    assert_eq!(shown().await, [1, 1, 0, 0]);
}
