// One person's application: `node client.mjs '{"library": "supabase" | "phoenix", "url", "token", "vsn"?}'`.
//
// `"transport": "ws"` takes the WebSocket of the package `ws` instead of Node's own. Node 22's own says `error` but
// never `close` when a connection cannot be made, and stays `connecting`: the libraries, which wait for `close` as
// every browser says it, would never try again. `ws` behaves as browsers do.

import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { WebSocket } from 'ws'
import { obey, tell } from './lines.mjs'
import { Room } from './room.mjs'
import { write } from './writer.mjs'

const PACKAGES = { supabase: '@supabase/realtime-js', phoenix: 'phoenix' }
const QUICK_MS = [50, 100, 250, 500]

const { library, quick, transport, ...options } = JSON.parse(process.argv[2])
const { Connection } = await import(`./${library}.mjs`)
const connection = new Connection({
  ...options,
  ...(transport === 'ws' && { transport: WebSocket }),
  ...(quick && { reconnectAfterMs: (tries) => QUICK_MS[tries - 1] ?? 1000 }),
})
const rooms = new Map()

tell('versions', { runtime: `Node ${process.version}`, library: PACKAGES[library], version: version(PACKAGES[library]) })
await obey({ join, send, httpSend, unjoinedSend, command, write: begin, history, renew, leave, track, untrack })
process.exit(0)

async function join({ topic, ack = true, own = false, changes = [], presence = false, expect, ...resume }) {
  const room = new Room(resume)
  rooms.set(topic, room)
  await connection.join(topic, { ack, self: own, changes, presence, replay: room.replay }, {
    onStatus: (status, error, response) => {
      room.onStatus(status)
      tell('status', { topic, status, error, response })
    },
    onEvent: ({ event, payload, meta }) => {
      room.onEvent({ event, payload, meta })
      if (expect === undefined) tell('event', { topic, event, payload, meta })
      else if (room.messages.length === expect) tell('complete', { topic })
    },
    onChange: (change) => tell('change', { topic, change }),
    onPresence: (seen) => tell('presence', { topic, ...seen }),
  })
}

async function send({ topic, event, payload, persist, id }) {
  tell('sent', { id, ...(await connection.send(topic, event, payload, undefined, persist)) })
}

// Over HTTP, whether the channel is joined or not.
async function httpSend({ topic, event, payload, options, id }) {
  tell('sent', { id, ...(await connection.httpSend(topic, event, payload, options)) })
}

// As an application sends that did not wait for its channel: the library turns to HTTP by itself.
async function unjoinedSend({ topic, event, payload, id }) {
  tell('sent', { id, ...(await connection.unjoinedSend(topic, event, payload)) })
}

async function command({ topic, name, payload, id }) {
  tell('sent', { id, ...(await connection.command(topic, name, payload)) })
}

// In the background, so that the next order is heard.
async function begin({ topic, ...task }) {
  const onAcknowledged = (count) => tell('acknowledged', { count })
  write(connection, rooms.get(topic), { topic, ...task }, onAcknowledged).then((tries) => tell('written', tries))
}

async function history({ topic }) {
  const { messages, repeats, holes, replayed } = rooms.get(topic)
  tell('history', { messages, repeats, holes, replayed })
}

async function renew({ token }) {
  await connection.renew(token)
  tell('renewed')
}

async function track({ topic, payload }) {
  tell('tracked', await connection.track(topic, payload))
}

async function untrack({ topic }) {
  tell('tracked', await connection.untrack(topic))
}

async function leave({ topic }) {
  await connection.leave(topic)
  tell('left', { topic })
}

// The installed one. Read from the file, since not every package lets its package.json be imported.
function version(name) {
  const folders = createRequire(import.meta.url).resolve.paths(name)
  const file = folders.map((folder) => `${folder}/${name}/package.json`).find(existsSync)
  return JSON.parse(readFileSync(file)).version
}
