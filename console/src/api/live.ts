import { useQueryClient } from '@tanstack/react-query'
import { useEffect, useRef } from 'react'
import { anythingUnsaved } from '../ui/useLeaveGuard'
import { noteFound, noteLost } from './lost'
import { executionChanged, fileMoved, forgetMoving, stepMoved } from './moving'
import { checkSession, meKey } from './query'
import type { schemas } from './types'

type Listeners = Record<string, (data: unknown) => void>

/**
 * Listens to a stream of server-sent events while the tab can be seen. Browsers open six connections to a server and no
 * more, over all tabs: one that nobody looks at gives its place up.
 *
 * `onOpen` is called each time that the stream begins anew: what happened meanwhile has to be read. `onLost` is called when it
 * breaks off, and each time that it can't be had again.
 */
export function useEvents(path: string | undefined, listeners: Listeners, onOpen?: () => void, onLost?: () => void) {
  const latest = useRef({ listeners, onOpen, onLost })
  latest.current = { listeners, onOpen, onLost }
  const names = Object.keys(listeners).join(' ')

  useEffect(() => {
    if (!path) return
    let source: EventSource | undefined
    let retry: ReturnType<typeof setTimeout> | undefined

    const open = () => {
      clearTimeout(retry)
      source?.close()
      source = undefined
      if (document.visibilityState === 'hidden') return
      const opened = new EventSource(path)
      source = opened
      opened.onopen = () => latest.current.onOpen?.()
      opened.onerror = () => {
        latest.current.onLost?.()
        // Where the server refuses, browsers give up for good.
        if (opened.readyState !== EventSource.CLOSED) return
        retry = setTimeout(open, 3000)
        checkSession()
      }
      for (const name of names.split(' ')) {
        opened.addEventListener(name, (event) => latest.current.listeners[name]?.(JSON.parse(event.data)))
      }
    }

    open()
    document.addEventListener('visibilitychange', open)
    return () => {
      clearTimeout(retry)
      source?.close()
      document.removeEventListener('visibilitychange', open)
    }
  }, [path, names])
}

/** At most so often what has changed is read again, milliseconds: a busy server tells of many changes at once. */
const GATHER = 1000

/** Reads again what has changed: at once after a while of quiet, and together what comes thick and fast. */
function useReread() {
  const client = useQueryClient()
  const due = useRef(new Set<string>())
  const resting = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => () => clearTimeout(resting.current), [])

  const flush = () => {
    resting.current = due.current.size > 0 ? setTimeout(flush, GATHER) : undefined
    for (const noun of due.current) void client.invalidateQueries({ queryKey: [noun] })
    due.current.clear()
  }
  return (...nouns: string[]) => {
    for (const noun of nouns) due.current.add(noun)
    if (resting.current === undefined) flush()
  }
}

/** Keeps what is on the screen true: reads again what the server says has changed. Once, in the shell. */
export function useChanges() {
  const client = useQueryClient()
  const again = useReread()
  const began = useRef(false)
  const known = useRef<string>(undefined)
  const anew = () => {
    forgetMoving()
    void client.invalidateQueries()
  }
  useEvents(
    '/api/events',
    {
      hello: (data) => {
        const hello = data as schemas['Hello']
        known.current ??= hello.console
        // The server has another console now; what this one loads next may not be there any more.
        if (known.current !== hello.console && !anythingUnsaved()) window.location.reload()
      },
      changed: (data) => {
        const { what } = data as schemas['Changed']
        // The role of who is logged in may be another one now.
        again(what, 'overview', ...(what === 'users' ? meKey : []))
      },
      execution: (data) => {
        const { id, state, mapping_id } = data as schemas['ExecutionChange']
        executionChanged(id, state)
        again('executions', 'overview')
        // What has run or was pulled, and when it is next.
        if (state !== 'running') again(mapping_id ? 'folder-mappings' : 'jobs')
        // What it did on the server was written down without an event of its own.
        if (state === 'completed' || state === 'failed' || state === 'cancelled') again('audit')
      },
      progress: (data) => fileMoved(data as Parameters<typeof fileMoved>[0]),
      summary: (data) => stepMoved(data as Parameters<typeof stepMoved>[0]),
      gap: anew,
    },
    () => {
      if (began.current) anew()
      began.current = true
      noteFound()
    },
    noteLost,
  )
}
