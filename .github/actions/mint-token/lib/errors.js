// The one error the action shows: a sentence, the stable code its hint is found under, the mint's request id.
'use strict'

class ActionError extends Error {
  constructor(message, code, requestId) {
    super(message)
    this.mintCode = code
    this.requestId = requestId
  }
}

module.exports = { ActionError }
