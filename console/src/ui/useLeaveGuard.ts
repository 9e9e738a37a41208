import { useCallback, useEffect, useId } from 'react'

/** The forms on the screen that hold something unsaved, each with the parameters of the address that it stands by. */
const unsaved = new Map<string, string[]>()

/** Would something be lost if the page went away now? */
export const anythingUnsaved = () => unsaved.size > 0

type Place = { pathname: string; search: string }

/** Would something unsaved be lost on the way from one address to another? */
export function loses(from: Place, to: Place): boolean {
  if (unsaved.size === 0) return false
  const [before, after] = [new URLSearchParams(from.search), new URLSearchParams(to.search)]
  return (
    from.pathname !== to.pathname || [...unsaved.values()].flat().some((name) => before.get(name) !== after.get(name))
  )
}

/** Lets go of everything unsaved: what the page was about has been deleted, and nothing on it can be saved any more. */
export const forgetUnsaved = () => unsaved.clear()

/**
 * While `changed`, leaving the page asks first (`LeaveQuestion` in the shell does). Gives back what lets go of it: call that
 * before going elsewhere once the form is saved or thrown away.
 *
 * `params` are those of the address that the form goes away with, too; others are views of the same page.
 */
export function useLeaveGuard(changed: boolean, ...params: string[]): () => void {
  const names = params.join(' ')
  const id = useId()
  const release = useCallback(() => void unsaved.delete(id), [id])
  useEffect(() => {
    if (!changed) return
    const ask = (event: BeforeUnloadEvent) => unsaved.has(id) && event.preventDefault()
    unsaved.set(id, names.split(' ').filter(Boolean))
    window.addEventListener('beforeunload', ask)
    return () => {
      unsaved.delete(id)
      window.removeEventListener('beforeunload', ask)
    }
  }, [changed, id, names])
  return release
}
