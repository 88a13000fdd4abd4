// AfriTalk's front end, as far as a server sees it: one person's socket over socket.io-client and their calls over
// fetch. `node afritalk.mjs '{"url", "tenant", "token", "transports"?}'`.

import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { io } from 'socket.io-client'
import { obey, tell } from './lines.mjs'

const { url, tenant, token, transports = ['websocket'] } = JSON.parse(process.argv[2])
const base = `/api/tenants/${tenant}`

// Its package.json cannot be imported by its name, but stands above what can.
const main = createRequire(import.meta.url).resolve('socket.io-client')
const { version } = JSON.parse(readFileSync(main.replace(/\/build\/.*/, '/package.json')))
tell('versions', { runtime: `Node ${process.version}`, library: 'socket.io-client', version })

const socket = io(url, {
  path: `${base}/messaging/socket`,
  transports,
  auth: { token },
  // Its own patience, a second and more, would be most of the test.
  reconnectionDelay: 50,
  reconnectionDelayMax: 250,
})
socket.on('connect', () => tell('connect'))
socket.on('connect_error', ({ message, data, context }) => {
  tell('connect_error', { message, data, answer: context?.responseText, active: socket.active })
})
socket.on('disconnect', (reason) => tell('disconnect', { reason, active: socket.active }))
socket.onAny((event, payload, about) => tell('event', { event, payload, ...about }))

await obey({ emit, call, cut, lose, find, leave })
process.exit(0)

async function emit({ event, args }) {
  tell('answered', await socket.timeout(10_000).emitWithAck(event, ...args))
}

// `path` is under the tenant's own, or whole where `whole` says so.
async function call({ method = 'GET', path, body, whole }) {
  const response = await fetch(`${url}${whole ? '' : base}${path}`, {
    method,
    headers: { Authorization: `Bearer ${token}`, ...(body && { 'Content-Type': 'application/json' }) },
    body: body && JSON.stringify(body),
  })
  tell('called', { status: response.status, body: await response.json() })
}

// As a network that drops: the library knows of nothing and comes back by itself.
function cut() {
  socket.io.engine.close()
}

// As a network that stays away until it is found again.
function lose() {
  socket.io.reconnection(false)
  socket.io.engine.close()
}

function find() {
  socket.io.reconnection(true)
  socket.connect()
}

// As a tab that is closed.
function leave() {
  socket.disconnect()
}
