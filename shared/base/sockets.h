#ifndef SHARED_BASE_SOCKETS_H
#define SHARED_BASE_SOCKETS_H

/* sockets: the system's headers for internet addresses, under one name. */
#if __has_include(<arpa/inet.h>)
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#else
#include <winsock2.h>
#include <ws2tcpip.h>
#define SHUT_RDWR SD_BOTH
#endif

#endif
