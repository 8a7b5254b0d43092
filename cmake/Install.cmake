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

foreach(section 5 8)
  file(GLOB pages CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/man/*.${section})
  if(pages)
    install(FILES ${pages} DESTINATION ${CMAKE_INSTALL_MANDIR}/man${section})
  endif()
endforeach()
