//! The conformance suite against the server in memory: as able as it gets, as poor as it gets, and through the layers.

use std::{sync::Arc, time::Duration};

use courier_transfer::{
    Capabilities, RemotePath,
    layers::{Lanes, Parallel, Reconnecting, Rooted, Timeouts},
    memory::Memory,
    testkit::Fixture,
};

use crate::line::Line;

fn fixture_on(memory: Memory) -> Fixture {
    Fixture {
        client: memory.connect(),
        folder: RemotePath::home(),
        keep: Box::new(memory),
    }
}

mod able {
    async fn fixture() -> super::Fixture {
        let memory = super::Memory::default();
        memory.set_capabilities(|c| c.checksum = true);
        super::fixture_on(memory)
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
        let memory = Memory::default();
        let line = Line::new(&memory);
        let mut fixture = fixture_on(memory);
        let base = RemotePath::new("/home").unwrap();
        let rooted = Rooted::new(fixture.client, base);
        let timed = Timeouts::new(Arc::new(rooted), Duration::from_secs(30));
        let reconnecting = Reconnecting::new(Arc::new(timed), line.clone(), 3);
        fixture.client = Arc::new(Parallel::new(
            Arc::new(reconnecting),
            line,
            Lanes::Automatic { most: 3 },
        ));
        fixture.folder = RemotePath::root();
        fixture
    }
    courier_transfer::conformance!(fixture);
}
