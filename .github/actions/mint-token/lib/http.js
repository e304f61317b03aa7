// One request with a bearer within a total time, and when to send it again: 408, 425, 429, 5xx and network failures.
'use strict'

const http = require('node:http')
const https = require('node:https')
const tls = require('node:tls')

const { RouteError, authorities, bareHost, portOf, proxyFor } = require('./route')

const FIRST_WAIT = 1
const LONGEST_WAIT = 15
const MAX_ATTEMPTS = 8
const MIN_ATTEMPT_SECONDS = 0.5
const REQUEST_SECONDS = 40
const MAX_BODY = 8 * 1024 * 1024

// As mintcore/outbound/answer.py has it: RFC 9110 §15.5.9 and RFC 8470 §5.2 invite the client to repeat the request.
const isRetryable = (status) => [408, 425, 429].includes(status) || status >= 500
const isLasting = (status) => status >= 300 && !isRetryable(status)
// A mint's own codes with a 5xx that stay until its operator acts.
const PERMANENT = ['internal_error', 'invalid_role_key']

// No answer that the action asks for is so large: another server sent it.
class TooLargeError extends Error {}

// Seconds that Retry-After asks for; a date is read against the answer's own Date. Otherwise 0.
function retryAfter(headers) {
  const value = (headers['retry-after'] ?? '').trim()
  if (/^\d{1,9}$/.test(value)) return Number(value)
  const seconds = (Date.parse(value) - Date.parse(headers.date ?? '')) / 1000
  return Number.isFinite(seconds) ? Math.max(0, seconds) : 0
}

// Time and attempts of one operation; half of each wait is jitter.
class Attempts {
  constructor(totalSeconds) {
    this.ends = performance.now() + totalSeconds * 1000
    this.made = 0
  }

  get left() {
    return Math.max(0, (this.ends - performance.now()) / 1000)
  }

  // Return false without waiting if time or attempts do not suffice for another one.
  async wait(asked = 0) {
    this.made += 1
    const own = Math.min(LONGEST_WAIT, FIRST_WAIT * 2 ** (this.made - 1)) * (0.5 + Math.random() / 2)
    const seconds = Math.max(asked, own)
    if (this.made >= MAX_ATTEMPTS || seconds + MIN_ATTEMPT_SECONDS > this.left) return false
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000))
    return true
  }
}

// One exchange. Throws an Error whose message names host and cause, and never a credential.
async function exchange(method, address, { bearer, headers = {}, body, seconds = REQUEST_SECONDS, env = process.env }) {
  const url = new URL(address)
  // One signal for name, connection, tunnel, handshake, head and body: it also ends an answer that arrives byte by byte.
  const signal = AbortSignal.timeout(Math.ceil(Math.min(seconds, REQUEST_SECONDS) * 1000))
  const content = body === undefined ? undefined : Buffer.from(JSON.stringify(body))
  const fields = {
    Host: url.host,
    Authorization: `Bearer ${bearer}`,
    'User-Agent': 'fullsend-mint-token-action',
    Connection: 'close',
    ...(content ? { 'Content-Type': 'application/json' } : {}),
    ...(content || method === 'POST' ? { 'Content-Length': content?.length ?? 0 } : {}),
    ...headers,
  }
  const opened = [] // a tunnel stays open after its TLS connection, and would keep the process running
  try {
    const response = await sent(method, url, { headers: fields, content, signal, env, opened })
    return { status: response.statusCode, headers: response.headers, text: await read(response) }
  } catch (error) {
    throw explained(error, url.host, signal)
  } finally {
    for (const socket of opened) socket.destroy()
  }
}

async function sent(method, url, { headers, content, signal, env, opened }) {
  const proxy = proxyFor(url, env)
  const secure = url.protocol === 'https:'
  const options = {
    method, headers, signal, agent: false,
    host: bareHost(url), port: portOf(url), path: `${url.pathname}${url.search}`,
  }
  if (secure) {
    const name = { servername: /^[\d.]+$|:/.test(options.host) ? '' : options.host, ca: authorities(env) }
    const socket = proxy && (await tunnel(proxy, url, signal))
    Object.assign(options, name)
    if (socket) {
      opened.push(socket)
      // Without an agent, node asks this function for the connection.
      Object.assign(options, { agent: undefined, createConnection: () => tls.connect({ ...name, socket, host: options.host }) })
    }
  } else if (proxy) {
    const own = proxy.authorization ? { 'Proxy-Authorization': proxy.authorization } : {}
    Object.assign(options, { host: proxy.host, port: proxy.port, path: url.href, headers: { ...headers, ...own } })
  }
  return new Promise((resolve, reject) => {
    // A redirect would carry the bearer to another host, and node:http follows none.
    const request = (secure ? https : http).request(options, resolve)
    request.on('error', reject)
    request.end(content)
  })
}

function tunnel(proxy, url, signal) {
  const authority = `${url.hostname}:${portOf(url)}`
  const headers = { Host: authority, ...(proxy.authorization && { 'Proxy-Authorization': proxy.authorization }) }
  const failed = (why) => `the proxy ${proxy.host}:${proxy.port} did not connect (${why})`
  const refused = (status) => {
    const text = failed(`it answers ${status}`)
    return isLasting(status) ? new RouteError(text, 'proxy_unusable') : new Error(text)
  }
  return new Promise((resolve, reject) => {
    const request = http.request({
      method: 'CONNECT', host: proxy.host, port: proxy.port, path: authority, headers, signal, agent: false,
    })
    request.on('connect', (response, socket, head) => {
      if (response.statusCode >= 200 && response.statusCode < 300 && !head.length) return resolve(socket)
      socket.destroy()
      return reject(refused(response.statusCode))
    })
    request.on('response', (response) => {
      response.destroy()
      reject(refused(response.statusCode))
    })
    request.on('error', (error) => reject(error.name === 'AbortError' ? error : new Error(failed(error.code ?? error.message))))
    request.end()
  })
}

async function read(response) {
  const pieces = []
  let size = 0
  for await (const piece of response) {
    size += piece.length
    if (size > MAX_BODY) throw new TooLargeError(`it sent more than ${MAX_BODY} bytes`)
    pieces.push(piece)
  }
  if (!response.complete) throw new Error('the answer broke off')
  return Buffer.concat(pieces).toString('utf8')
}

function explained(error, host, signal) {
  if (error instanceof RouteError || error instanceof TooLargeError) return error
  const cause = signal.aborted ? 'no answer in time' : (error.code ?? error.message)
  const failure = new Error(`the connection to ${host} failed (${cause})`)
  failure.certificate = /CERT|VERIFY/.test(cause) // as node and OpenSSL name what is wrong with one
  failure.final = failure.certificate
  return failure
}

// One exchange, repeated while a retry may help. Returns the last answer.
async function send(method, url, { totalSeconds, ...options }) {
  const attempts = new Attempts(totalSeconds)
  for (;;) {
    try {
      const answer = await exchange(method, url, { ...options, seconds: attempts.left })
      if (!isRetryable(answer.status) || !(await attempts.wait(retryAfter(answer.headers)))) return answer
    } catch (error) {
      if (error.final || !(await attempts.wait())) throw error
    }
  }
}

// The JSON object in a text, or undefined.
function parsedObject(text) {
  try {
    const value = JSON.parse(text)
    return value && typeof value === 'object' && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

const jsonObject = (text) => parsedObject(text) ?? {}

module.exports = {
  Attempts, MIN_ATTEMPT_SECONDS, PERMANENT, TooLargeError, exchange, isRetryable, jsonObject, parsedObject, retryAfter, send,
}
