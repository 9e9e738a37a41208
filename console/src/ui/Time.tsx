import { Text, Tooltip } from '@mantine/core'
import { useEffect, useReducer } from 'react'
import { ago, clockTime, fullTime, shortTime, utcTime } from './time'

const zone = Intl.DateTimeFormat().resolvedOptions().timeZone

/** Now; looked at anew every so often, so that `3 min ago` stays true. */
function useNow(every: number | undefined): Date {
  const [, again] = useReducer((times: number) => times + 1, 0)
  useEffect(() => {
    if (!every) return
    const timer = setInterval(again, every)
    return () => clearInterval(timer)
  }, [every])
  return new Date()
}

type Props = {
  /** RFC 3339. */
  at: string | null | undefined
  /** `ago`: how long ago; `full`: to the second; `short`: to the minute; `clock`: the time of day. */
  as?: 'ago' | 'full' | 'short' | 'clock'
  /** What stands there without a time. */
  none?: string
}

/** A time in the viewer's zone; UTC is what shows when one points at it. */
export function Time({ at, as = 'short', none = '–' }: Props) {
  const now = useNow(as === 'ago' ? 15_000 : undefined)
  if (!at) return <span>{none}</span>
  const date = new Date(at)
  const text = {
    ago: () => ago(date, now),
    full: () => fullTime(date),
    short: () => shortTime(date),
    clock: () => clockTime(date),
  }[as]()
  return (
    <Tooltip
      label={
        <>
          {utcTime(date)}
          <br />
          {fullTime(date)} ({zone})
        </>
      }
      events={{ hover: true, focus: true, touch: true }}
    >
      <Text component="time" dateTime={at} inherit style={{ whiteSpace: 'nowrap' }}>
        {text}
      </Text>
    </Tooltip>
  )
}
