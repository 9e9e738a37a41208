import { useEffect, useState } from 'react'
import { anythingUnsaved } from './useLeaveGuard'

/**
 * What a form began with, where it may be changed elsewhere meanwhile. The form begins anew with that, unless something
 * typed would be lost: then there is something `newer`.
 *
 * `age` is a number that grows with each change.
 */
export function useBegun<T>(now: T, age: (it: T) => number) {
  const [begun, setBegun] = useState(now)
  const isNewer = age(now) > age(begun)
  useEffect(() => {
    if (isNewer && !anythingUnsaved()) setBegun(now)
  }, [isNewer, now])
  return { begun, setBegun, newer: isNewer && anythingUnsaved() ? now : undefined }
}

/** The age of what says when it was changed. */
export const byUpdate = (it: { updated_at: string }) => Date.parse(it.updated_at)
