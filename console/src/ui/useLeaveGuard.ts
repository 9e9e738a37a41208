import { useCallback, useEffect, useId } from 'react'

/** The forms on the screen that hold something unsaved. */
const unsaved = new Set<string>()

/** Would something be lost if the page went away now? */
export const anythingUnsaved = () => unsaved.size > 0

/** Lets go of everything unsaved: what the page was about has been deleted, and nothing on it can be saved any more. */
export const forgetUnsaved = () => unsaved.clear()

/**
 * While `changed`, leaving the page asks first (`LeaveQuestion` in the shell does). Gives back what lets go of it: call that
 * before going elsewhere once the form is saved or thrown away.
 */
export function useLeaveGuard(changed: boolean): () => void {
  const id = useId()
  const release = useCallback(() => void unsaved.delete(id), [id])
  useEffect(() => {
    if (!changed) return
    const ask = (event: BeforeUnloadEvent) => unsaved.has(id) && event.preventDefault()
    unsaved.add(id)
    window.addEventListener('beforeunload', ask)
    return () => {
      unsaved.delete(id)
      window.removeEventListener('beforeunload', ask)
    }
  }, [changed, id])
  return release
}
