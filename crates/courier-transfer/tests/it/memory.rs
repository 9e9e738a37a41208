//! The conformance suite against the server in memory: as able as it gets, as poor as it gets, and through the layers.

use std::{sync::Arc, time::Duration};

use courier_transfer::{
    Capabilities, RemotePath,
    layers::{Rooted, Timeouts},
    memory::Memory,
    testkit::Fixture,
};

fn fixture_on(memory: Memory) -> Fixture {
    Fixture {
        client: memory.connect(),
        folder: RemotePath::home(),
        keep: Box::new(memory),
    }
}

mod able {
    async fn fixture() -> super::Fixture {
        super::fixture_on(super::Memory::default())
    }
    courier_transfer::conformance!(fixture);
}

mod poor {
    async fn fixture() -> super::Fixture {
        super::fixture_on(super::Memory::new(super::Capabilities {
            concurrency: 1,
            ..super::Capabilities::default()
        }))
    }
    courier_transfer::conformance!(fixture);
}

mod layered {
    use super::*;

    async fn fixture() -> Fixture {
        let mut fixture = fixture_on(Memory::default());
        let base = RemotePath::new("/home").unwrap();
        let timed = Timeouts::new(fixture.client, Duration::from_secs(30));
        fixture.client = Arc::new(Rooted::new(Arc::new(timed), base));
        fixture.folder = RemotePath::root();
        fixture
    }
    courier_transfer::conformance!(fixture);
}
