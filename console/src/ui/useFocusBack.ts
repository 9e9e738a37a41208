import { useEffect } from 'react'

/**
 * In what is in a dialog: gives the focus back to where it was before, when it goes away. Dialogs do that themselves, but not
 * where they are taken out of the page whole, nor to the button of a menu that they were opened from.
 */
export function useFocusBack() {
  useEffect(() => {
    const active = document.activeElement
    const menu = active?.closest('[role="menu"]')
    const before = menu ? document.getElementById(menu.getAttribute('aria-labelledby') ?? '') : active
    return () => {
      setTimeout(() => {
        const nowhere = document.activeElement === null || document.activeElement === document.body
        if (nowhere && before instanceof HTMLElement) before.focus({ preventScroll: true })
      }, 20)
    }
  }, [])
}
