# What `cmake --install` lays out: programs in libexec/pillarbox, side by side, because master looks for a service next
# to itself; manual pages where man(1) looks.
set(PILLARBOX_LIBEXECDIR ${CMAKE_INSTALL_LIBEXECDIR}/pillarbox)

foreach(program master pop3d lmtpd)
  if(TARGET ${program})
    install(TARGETS ${program} RUNTIME DESTINATION ${PILLARBOX_LIBEXECDIR})
  endif()
endforeach()

# pop3proxyd is pop3d by another name, for cyrus.conf files that ask for it: a hard link, so that it survives the move
# of the folder and is the very same file. Made again each time, because installing pop3d makes a new inode.
if(TARGET pop3d)
  install(CODE "
    set(folder \"${PILLARBOX_LIBEXECDIR}\")
    if(NOT IS_ABSOLUTE \"\${folder}\")
      set(folder \"\${CMAKE_INSTALL_PREFIX}/\${folder}\")
    endif()
    set(folder \"\$ENV{DESTDIR}\${folder}\")
    message(STATUS \"Hard link: \${folder}/pop3proxyd\")
    file(CREATE_LINK \"\${folder}/pop3d\" \"\${folder}/pop3proxyd\")")
endif()

# The administrator's command is for people: where their shell finds it.
if(TARGET pillarbox)
  install(TARGETS pillarbox RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
endif()

# A filter that fail2ban's administrator copies to where theirs are.
install(FILES ${PROJECT_SOURCE_DIR}/contrib/fail2ban/pillarbox.conf DESTINATION ${CMAKE_INSTALL_DATADIR}/pillarbox/fail2ban)

# Manual pages: man/NAME.SECTION as it stands, man/NAME.SECTION.in through make_page, which puts in what the tables of
# options in the code say. PILLARBOX_PAGES is the folder with all of them as they are installed. The sanitizer builds are
# not for installing, and their programs may need ctest's environment to start.
set(PILLARBOX_PAGES ${PROJECT_BINARY_DIR}/man)
if(TARGET make_page AND NOT PILLARBOX_SANITIZE)
  set(pages)
  foreach(section 5 8)
    file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.${section} ${PROJECT_SOURCE_DIR}/man/*.${section}.in)
    foreach(source IN LISTS sources)
      cmake_path(GET source FILENAME name)
      string(REGEX REPLACE "\\.in$" "" name ${name})
      if(source MATCHES "\\.in$")
        set(command make_page ${source} ${PILLARBOX_PAGES}/${name})
      else()
        set(command ${CMAKE_COMMAND} -E copy ${source} ${PILLARBOX_PAGES}/${name})
      endif()
      add_custom_command(OUTPUT ${PILLARBOX_PAGES}/${name} COMMAND ${command} DEPENDS ${source} make_page
        COMMENT "Manual page ${name}" VERBATIM)
      list(APPEND pages ${PILLARBOX_PAGES}/${name})
      install(FILES ${PILLARBOX_PAGES}/${name} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
    endforeach()
  endforeach()
  file(MAKE_DIRECTORY ${PILLARBOX_PAGES})
  add_custom_target(pages ALL DEPENDS ${pages})
endif()
