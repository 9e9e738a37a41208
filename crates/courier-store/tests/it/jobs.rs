use courier_store::{
    Error, PageRequest,
    jobs::{JobFilter, JobInput},
    new_id,
};
use serde_json::json;

use crate::{
    database::{DIFFICULT, Database, walk},
    on_both,
    records::{of, of_both},
};

on_both!(
    every_change_is_a_version,
    names_are_unique,
    of_two_changes_one_is_told,
    lists_are_filtered
);

pub(crate) fn input(name: &str) -> JobInput {
    JobInput {
        name: name.into(),
        description: Some(DIFFICULT.into()),
        enabled: true,
        definition: json!({"steps": [{"step_type": "local.copy", "config": {"path": DIFFICULT}}]}),
        schedules: Vec::new(),
        by: "me".into(),
    }
}

async fn every_change_is_a_version(db: Database) {
    let first = db
        .jobs()
        .insert(input(DIFFICULT), of("job_created"))
        .await
        .unwrap();
    assert_eq!(first.version, 1);
    assert_eq!(db.jobs().get(first.id).await.unwrap(), first);
    assert_eq!(db.jobs().by_name(DIFFICULT).await.unwrap(), Some(first.clone()));

    let mut next = input("renamed");
    next.enabled = false;
    next.by = "you".into();
    next.definition = json!({"steps": []});
    let second = db
        .jobs()
        .update(first.id, next, Some(1), of_both("job_changed"))
        .await
        .unwrap();
    assert_eq!((second.version, second.created_by.as_str()), (2, "me"));
    assert!(second.updated_at > first.updated_at);
    let versions = db.jobs().versions(first.id).await.unwrap();
    assert_eq!(
        versions
            .iter()
            .map(|v| (v.version, v.created_by.as_str()))
            .collect::<Vec<_>>(),
        [(2, "you"), (1, "me")]
    );
    assert_eq!(
        db.jobs().version(first.id, 1).await.unwrap().definition,
        first.definition
    );
    assert!(matches!(
        db.jobs().version(first.id, 3).await,
        Err(Error::NotFound { .. })
    ));

    db.jobs().delete(first.id, of("job_deleted")).await.unwrap();
    assert!(matches!(
        db.jobs().get(first.id).await,
        Err(Error::NotFound { what: "job" })
    ));
    assert!(matches!(
        db.jobs().delete(first.id, of("job_deleted")).await,
        Err(Error::NotFound { .. })
    ));
    assert_eq!(
        db.jobs().version(first.id, 2).await.unwrap().definition,
        json!({"steps": []})
    );
    assert!(matches!(
        db.jobs().versions(new_id()).await,
        Err(Error::NotFound { .. })
    ));
}

async fn names_are_unique(db: Database) {
    db.jobs().insert(input("one"), of("job_created")).await.unwrap();
    let two = db.jobs().insert(input("two"), of("job_created")).await.unwrap();
    let again = db.jobs().insert(input("one"), of("job_created")).await;
    assert!(
        matches!(
            again,
            Err(Error::Duplicate {
                what: "job",
                field: "name"
            })
        ),
        "{again:?}"
    );
    let renamed = db
        .jobs()
        .update(two.id, input("one"), None, of_both("job_changed"))
        .await;
    assert!(matches!(
        renamed,
        Err(Error::Duplicate {
            what: "job",
            field: "name"
        })
    ));
    assert_eq!(db.jobs().versions(two.id).await.unwrap().len(), 1);
}

async fn of_two_changes_one_is_told(db: Database) {
    let job = db.jobs().insert(input("one"), of("job_created")).await.unwrap();
    let (a, b) = tokio::join!(
        async {
            db.jobs()
                .update(job.id, input("a"), Some(1), of_both("job_changed"))
                .await
        },
        async {
            db.jobs()
                .update(job.id, input("b"), Some(1), of_both("job_changed"))
                .await
        },
    );
    assert_eq!(usize::from(a.is_ok()) + usize::from(b.is_ok()), 1);
    assert!(matches!(a.or(b), Ok(job) if job.version == 2));
}

async fn lists_are_filtered(db: Database) {
    for name in ["Alpha", "beta", "alphabet"] {
        let mut input = input(name);
        input.enabled = name != "beta";
        db.jobs().insert(input, of("job_created")).await.unwrap();
    }
    let names = async |filter: JobFilter| {
        let jobs = walk(1, async |page: PageRequest| db.jobs().list(&filter, &page).await).await;
        jobs.into_iter().map(|job| job.name).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(names(JobFilter::default()).await, "Alpha beta alphabet");
    assert_eq!(
        names(JobFilter {
            enabled: Some(true),
            search: None
        })
        .await,
        "Alpha alphabet"
    );
    assert_eq!(
        names(JobFilter {
            enabled: None,
            search: Some("ALPHA".into())
        })
        .await,
        "Alpha alphabet"
    );
}
