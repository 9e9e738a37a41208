import { useEffect, useRef } from 'react'
import { useLocation } from 'react-router'

/**
 * Who went to another page is at its beginning: by the eye, by the keyboard and with a screen reader. Who works within the page,
 * at its tabs or in a field that takes the focus by itself, stays there.
 */
export function useBeginning() {
  const { pathname } = useLocation()
  const before = useRef(pathname)
  useEffect(() => {
    if (before.current === pathname) return
    before.current = pathname
    const main = document.getElementById('main')
    if (!main || main.contains(document.activeElement)) return
    main.focus({ preventScroll: true })
    window.scrollTo(0, 0)
  }, [pathname])
}
