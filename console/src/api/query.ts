import {
  MutationCache,
  QueryCache,
  QueryClient,
  type QueryKey,
  useMutation,
  useQueryClient,
} from '@tanstack/react-query'
import { notify } from '../ui/notify'
import { forgetUnsaved } from '../ui/useLeaveGuard'
import { forgetDeleted, isBack, isDeleted, isThere, leaveAlone } from './gone'
import { codes, ProblemError } from './problem'

/** Who is logged in. */
export const meKey = ['me']

/** The session may be over: whoever was logged in is asked for again, and the page that they are on stays as it is. */
export function checkSession() {
  void queryClient.invalidateQueries({ queryKey: meKey })
}

function onError(error: Error) {
  if (error instanceof ProblemError && error.code === codes.unauthenticated) checkSession()
}

/**
 * The first word of every key is the noun as the routes name it (`connections`, `folder-mappings`, …): that is what the
 * server's `changed` events name, so that what is on the screen is read again when somebody changed it.
 */
export const queryClient = new QueryClient({
  queryCache: new QueryCache({
    onError: (error, query) => {
      if (query.queryKey[0] !== meKey[0]) onError(error)
    },
  }),
  mutationCache: new MutationCache({ onError }),
  defaultOptions: {
    // What was sent and answered may be a secret: it goes with what asked for it.
    mutations: { gcTime: 0 },
    queries: {
      enabled: isThere,
      staleTime: 10_000,
      retry: (failures, error) =>
        failures < 2 && error instanceof ProblemError && (error.status === 0 || error.status >= 502),
    },
  },
})

forgetDeleted(queryClient)

type Action<In, Out> = {
  /** Asks the server for it. */
  run: (input: In) => Promise<Out>
  /** The keys that are old afterwards; a noun alone stands for all of it. */
  changes: QueryKey[]
  /** The id of what it deletes: nothing of it is read any more, and `onDone` leaves its page. */
  gone?: (input: In) => string
  /** What is said when it worked; nothing, if not given. */
  done?: string | ((output: Out, input: In) => string)
  onDone?: (output: Out, input: In) => void
  /** True where the caller shows what went wrong itself, next to what it is about. */
  quiet?: boolean
}

/** Something that a button does: asks, reads anew what changed, and says how it went. */
export function useAction<In = void, Out = unknown>({ run, changes, gone, done, onDone, quiet }: Action<In, Out>) {
  const client = useQueryClient()
  return useMutation<Out, ProblemError, In>({
    mutationFn: run,
    // What was sent may hold a secret; nobody needs it once it was answered and the form is gone.
    gcTime: 0,
    onMutate: (input) => {
      if (gone) leaveAlone(gone(input))
    },
    onSuccess: async (output, input) => {
      if (done) notify.done(typeof done === 'string' ? done : done(output, input))
      if (gone) forgetUnsaved()
      onDone?.(output, input)
      if (gone) isDeleted(client, gone(input))
      await Promise.all(changes.map((queryKey) => client.invalidateQueries({ queryKey })))
    },
    onError: (error, input) => {
      if (gone) isBack(client, gone(input))
      if (!quiet) notify.failed(error)
    },
  })
}
