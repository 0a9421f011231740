// SPDX-License-Identifier: GPL-2.0

//! The client's question, a thousand times a second, and the servers' answer.
//!
//! `ask answer NAME ADDRESS` answers every datagram with what it held and NAME.
//!
//! `ask ask ADDRESS RATE` sends numbered datagrams to ADDRESS, RATE a second, and
//! says on its standard output, with times in nanoseconds of the wall clock:
//!
//! - `answered TIME NAME`: from now on it is NAME who answers
//! - `lost COUNT FROM TO`: COUNT requests in a row had no answer within a second;
//!   FROM is when the last one before them was sent that had, TO the first one
//!   after them
//! - `total ASKED`: once a second, the requests whose second is over
//!
//! One file without crates, for rustc alone.

use std::{
    collections::VecDeque,
    env,
    net::UdpSocket,
    process::exit,
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant, SystemTime},
};

const PORT: u16 = 7;
const PATIENCE: Duration = Duration::from_secs(1);

struct Request {
    sent: u64,
    answered: bool,
}

/// The requests whose second is not over, oldest first.
#[derive(Default)]
struct Pending {
    first: u64,
    requests: VecDeque<Request>,
    server: String,
}

impl Pending {
    fn answer(&mut self, number: u64, server: &str) {
        if server != self.server {
            println!("answered {} {server}", now());
            self.server = server.to_owned();
        }
        let index = number.wrapping_sub(self.first) as usize;
        if let Some(request) = self.requests.get_mut(index) {
            request.answered = true;
        }
    }

    fn pop(&mut self, sent_before: u64) -> Option<Request> {
        let request = self.requests.front()?;
        if request.sent > sent_before {
            return None;
        }
        self.first += 1;
        self.requests.pop_front()
    }
}

/// What became of the requests whose second is over.
#[derive(Default)]
struct Account {
    asked: u64,
    last_answered: u64,
    run: u64,
}

impl Account {
    fn close(&mut self, request: &Request) {
        self.asked += 1;
        if !request.answered {
            self.run += 1;
            return;
        }
        if self.run > 0 {
            println!("lost {} {} {}", self.run, self.last_answered, request.sent);
            self.run = 0;
        }
        self.last_answered = request.sent;
    }
}

fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |time| time.as_nanos() as u64)
}

fn answer(name: &str, address: &str) -> std::io::Result<()> {
    let socket = UdpSocket::bind((address, PORT))?;
    let mut datagram = [0; 64];
    loop {
        let (length, from) = socket.recv_from(&mut datagram[..8])?;
        let end = length + name.len();
        datagram[length..end].copy_from_slice(name.as_bytes());
        // Without a route, while the device is down, there is nobody to tell.
        let _ = socket.send_to(&datagram[..end], from);
    }
}

fn listen(socket: &UdpSocket, pending: &Mutex<Pending>) {
    let mut datagram = [0; 64];
    loop {
        // An ICMP error comes out here too, and counts as no answer.
        let Ok(length) = socket.recv(&mut datagram) else {
            continue;
        };
        let Some((number, server)) = datagram[..length].split_first_chunk() else {
            continue;
        };
        let number = u64::from_be_bytes(*number);
        let server = String::from_utf8_lossy(server);
        pending.lock().unwrap().answer(number, &server);
    }
}

fn ask(address: &str, rate: u32) -> std::io::Result<()> {
    let socket = Arc::new(UdpSocket::bind(("0.0.0.0", 0))?);
    socket.connect((address, PORT))?;
    let pending = Arc::new(Mutex::new(Pending::default()));
    {
        let (socket, pending) = (socket.clone(), pending.clone());
        thread::spawn(move || listen(&socket, &pending));
    }

    let interval = Duration::from_secs(1) / rate;
    let mut account = Account::default();
    let mut due = Instant::now();
    for number in 0u64.. {
        // A late processor is caught up with at once, so that the rate holds.
        thread::sleep(due.saturating_duration_since(Instant::now()));
        due += interval;
        let sent = now();
        {
            let mut pending = pending.lock().unwrap();
            pending.requests.push_back(Request {
                sent,
                answered: false,
            });
            while let Some(request) = pending.pop(sent - PATIENCE.as_nanos() as u64) {
                account.close(&request);
            }
        }
        let _ = socket.send(&number.to_be_bytes());
        if number % u64::from(rate) == 0 {
            println!("total {}", account.asked);
        }
    }
    Ok(())
}

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match words[..] {
        ["answer", name, address] if name.len() <= 32 => answer(name, address),
        ["ask", address, rate] => match rate.parse() {
            Ok(rate @ 1..) => ask(address, rate),
            _ => Err(std::io::Error::other("RATE is not a number above 0")),
        },
        _ => Err(std::io::Error::other(
            "answer NAME ADDRESS, or ask ADDRESS RATE",
        )),
    };
    if let Err(error) = result {
        eprintln!("ask: {error}");
        exit(1);
    }
}
