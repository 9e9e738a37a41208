import { type PropsWithChildren, useEffect, useLayoutEffect, useRef } from 'react'

/**
 * Parts of a form that take nothing while it is being saved: what is typed then would be lost when that has worked. The focus
 * comes back to where it was when it hasn't.
 */
export function Held({ busy, children }: PropsWithChildren<{ busy: boolean }>) {
  const focused = useRef<Element>(null)
  useLayoutEffect(() => {
    if (busy) focused.current = document.activeElement
  }, [busy])
  useEffect(() => {
    const nowhere = document.activeElement === null || document.activeElement === document.body
    if (!busy && nowhere && focused.current instanceof HTMLElement) focused.current.focus({ preventScroll: true })
    if (!busy) focused.current = null
  }, [busy])
  return <div inert={busy}>{children}</div>
}
