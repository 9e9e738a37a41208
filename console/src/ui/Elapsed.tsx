import { useEffect, useState } from 'react'
import { duration, wholeSeconds } from './time'

/** Now, each second while it matters. */
function useSeconds(matters: boolean): number {
  const [now, setNow] = useState(() => Date.now())
  useEffect(() => {
    if (!matters) return
    setNow(Date.now())
    const timer = setInterval(() => setNow(Date.now()), 1000)
    return () => clearInterval(timer)
  }, [matters])
  return now
}

/** How long something took, or takes until now: counted on while it has no end. */
export function Elapsed({ from, to }: { from: string | null | undefined; to?: string | null | undefined }) {
  const runs = Boolean(from) && !to
  const now = useSeconds(runs)
  if (!from) return <>–</>
  return <>{to ? duration(Date.parse(to) - Date.parse(from)) : wholeSeconds(now - Date.parse(from))}</>
}

/** How long it is until then; `now` when it is past. */
export function Countdown({ to }: { to: string }) {
  const now = useSeconds(true)
  const left = Date.parse(to) - now
  return <>{left > 0 ? `in ${wholeSeconds(left + 999)}` : 'now'}</>
}
