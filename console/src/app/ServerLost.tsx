import { Alert, Box } from '@mantine/core'
import { Unplug } from 'lucide-react'
import { type PropsWithChildren, useEffect, useState } from 'react'
import { useLostSince } from '../api/lost'
import { codes, ProblemError } from '../api/problem'
import { meKey, queryClient } from '../api/query'
import { Time } from '../ui/Time'

/** A connection that is back at once is nothing to speak of, milliseconds. */
const SHORT = 2000

/** The page; pale, and with a word about it, while the server can't be reached and what it shows may be old. */
export function ServerLost({ children }: PropsWithChildren) {
  const since = useLostSince()
  const [told, setTold] = useState<Date>()
  useEffect(() => {
    setTold(undefined)
    if (!since) return
    const timer = setTimeout(() => {
      // Without a session the stream ends, too; that is said elsewhere.
      const error = queryClient.getQueryState(meKey)?.error
      if (!(error instanceof ProblemError && error.code === codes.unauthenticated)) setTold(since)
    }, SHORT)
    return () => clearTimeout(timer)
  }, [since])
  return (
    <>
      <Box role="status" pos="sticky" top={60} style={{ zIndex: 3 }}>
        {told && (
          <Alert color="red" variant="filled" mb="md" icon={<Unplug size={18} aria-hidden />}>
            No connection to the server since <Time at={told.toISOString()} as="clock" />. What you see is from then. It
            is tried again until the server answers.
          </Alert>
        )}
      </Box>
      <Box opacity={told ? 0.6 : undefined}>{children}</Box>
    </>
  )
}
