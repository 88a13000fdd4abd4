//! Single properties of the hub, each in the order of events that could break it.

use super::*;

#[test]
fn the_check_finds_a_join_that_skips_the_log() {
    let found = TestRunner::new(Config { failure_persistence: None, ..Config::default() }).run(
        &(behind(), steps()),
        |(behind, steps)| {
            let mut world = HubSimulation::new(&behind, usize::MAX / 4);
            world.skips_pages = true;
            world.run(&steps);
            world.settle();
            world.check(true)
        },
    );
    assert!(found.is_err());
}

#[test]
fn more_than_the_ring_or_the_pending_hold_is_read_again() {
    let mut world = HubSimulation::new(&[None, None], usize::MAX / 4);
    world.advance(0);
    world.advance(0);
    world.advance(0);
    world.advance(1);
    world.advance(1);
    // The second one has read its head; then far more commits than the ring and the pending events hold.
    (0..3_000).for_each(|_| world.commit());
    for event in world.committed.iter().rev() {
        world.hub.publish(Arc::clone(event));
    }
    world.settle();
    world.check(true).unwrap();
}

fn mailbox_texts(connection: &Connection) -> Vec<String> {
    let mut texts = Vec::new();
    while let Poll::Ready(Some(bytes)) = connection.poll_frame(&mut Context::from_waker(Waker::noop())) {
        texts.push(String::from_utf8_lossy(&bytes).into_owned());
    }
    texts
}

#[test]
fn copies_told_while_a_right_is_looked_up_are_kept_and_told_once() {
    let (hub, tenant) = (Hub::default(), TenantId::new());
    let connection = Arc::new(Connection::new(1, 100_000));
    let id = JoinId { connection: 1, join: 1 };
    hub.publish(event(tenant, 1));
    hub.subscribe(tenant, "user:1", Subscriber::new(id, Arc::clone(&connection), actor(tenant), SHAPE));
    hub.publish(event(tenant, 2));
    assert!(mailbox_texts(&connection).is_empty(), "told before the right was known");
    assert_eq!(hub.activate_unnumbered(tenant, "user:1", id, Vec::new()), Activation::Live);
    hub.publish(event(tenant, 2));
    hub.publish(event(tenant, 3));
    let texts = mailbox_texts(&connection);
    assert_eq!(texts.len(), 4, "each event is a copy and an aside: {texts:?}");
    assert!(texts[0].contains(r#""seq":2,"topic":"chat:room:1""#), "{}", texts[0]);
    assert!(!texts[1].contains("meta"), "an aside under the event's id would be dropped as a double");
}

#[test]
fn nothing_is_kept_of_a_topic_that_nobody_follows() {
    let (hub, tenant) = (Hub::default(), TenantId::new());
    let id = JoinId { connection: 1, join: 1 };
    let subscriber = Subscriber::new(id, Arc::new(Connection::new(1, 1_000)), actor(tenant), SHAPE);
    hub.subscribe(tenant, TOPIC, subscriber);
    assert_eq!(hub.topic_count(), 1);
    hub.unsubscribe(tenant, TOPIC, id);
    hub.publish(event(tenant, 1));
    assert_eq!(hub.topic_count(), 0);
}

#[test]
fn another_tenants_topic_of_the_same_name_is_another_topic() {
    let (hub, mine, theirs) = (Hub::default(), TenantId::new(), TenantId::new());
    let connection = Arc::new(Connection::new(1, 100_000));
    let id = JoinId { connection: 1, join: 1 };
    hub.subscribe(mine, TOPIC, Subscriber::new(id, Arc::clone(&connection), actor(mine), SHAPE));
    hub.activate(mine, TOPIC, id, 0, Vec::new());
    hub.publish(event(theirs, 1));
    assert!(mailbox_texts(&connection).is_empty());
}

#[test]
fn what_was_handed_to_a_socket_is_reported_once_and_not_before() {
    let (hub, tenant) = (Hub::default(), TenantId::new());
    let connection = Arc::new(Connection::new(1, 100_000));
    let id = JoinId { connection: 1, join: 1 };
    hub.subscribe(tenant, TOPIC, Subscriber::new(id, Arc::clone(&connection), actor(tenant), SHAPE));
    hub.activate(tenant, TOPIC, id, 0, Vec::new());
    hub.publish(event(tenant, 1));
    hub.publish(event(tenant, 2));
    let key: TopicKey = (tenant, TOPIC.into());
    let mut receipts = Vec::new();
    hub.collect_receipts(key.clone(), &mut receipts);
    assert!(receipts.is_empty(), "still in the queue");
    mailbox_texts(&connection);
    hub.collect_receipts(key.clone(), &mut receipts);
    hub.collect_receipts(key, &mut receipts);
    assert_eq!(receipts.iter().map(|receipt| receipt.up_to).collect::<Vec<_>>(), [2]);
}

#[test]
fn on_real_threads_the_same_holds() {
    const LAST: i64 = 4_000;
    let (hub, tenant) = (Hub::default(), TenantId::new());
    let committed = Mutex::new(Vec::new());
    let (done, readers) = (std::sync::atomic::AtomicBool::new(false), Mutex::new(Vec::new()));
    std::thread::scope(|scope| {
        for joiner in 1..=3u64 {
            let (hub, committed, done, readers) = (&hub, &committed, &done, &readers);
            scope.spawn(move || {
                for join in 1..=200u32 {
                    let id = JoinId { connection: joiner, join };
                    let connection = Arc::new(Connection::new(joiner, usize::MAX / 4));
                    hub.subscribe(
                        tenant,
                        TOPIC,
                        Subscriber::new(id, Arc::clone(&connection), actor(tenant), SHAPE),
                    );
                    let head = committed.lock().len() as i64;
                    let mut after = head;
                    while hub.activate(tenant, TOPIC, id, after, Vec::new()) == Activation::Behind {
                        let page: Vec<Arc<Event>> = committed
                            .lock()
                            .iter()
                            .filter(|event: &&Arc<Event>| event.seq > after)
                            .cloned()
                            .collect();
                        for event in page {
                            connection.push(
                                event_frame(SHAPE, &event, true, Spelling::default()),
                                FrameClass::Durable,
                            );
                            after = event.seq;
                        }
                    }
                    std::thread::yield_now();
                    if join == 200 || done.load(std::sync::atomic::Ordering::Acquire) {
                        readers.lock().push((connection, head));
                        return;
                    }
                    hub.unsubscribe(tenant, TOPIC, id);
                }
            });
        }
        let publishers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    loop {
                        let event = {
                            let mut committed = committed.lock();
                            let seq = committed.len() as i64 + 1;
                            if seq > LAST {
                                return;
                            }
                            let event = event(tenant, seq);
                            committed.push(Arc::clone(&event));
                            event
                        };
                        // Between commit and publish, threads overtake each other.
                        hub.publish(event);
                    }
                })
            })
            .collect();
        publishers.into_iter().for_each(|publisher| publisher.join().unwrap());
        done.store(true, std::sync::atomic::Ordering::Release);
    });
    // While a join waits for its turn, more may arrive than a topic buffers: the relay fills that gap.
    let key = (tenant, Box::from(TOPIC));
    while let Some((after, up_to)) = hub.gap(&key) {
        for event in committed.lock().iter().filter(|event| event.seq > after && event.seq <= up_to) {
            hub.publish(Arc::clone(event));
        }
    }
    for (connection, after) in readers.lock().iter() {
        let mut reader = SimulatedReader {
            id: JoinId { connection: 0, join: 0 },
            connection: Arc::clone(connection),
            behind: None,
            stage: JoinStage::Live,
            after: *after,
            got: Vec::new(),
        };
        reader.read(usize::MAX);
        assert_eq!(reader.got, (after + 1..=LAST).collect::<Vec<_>>());
    }
}
